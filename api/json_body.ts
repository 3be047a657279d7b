/**
 * Reading JSON bodies strictly: bounded in size and depth, one encoding, and nothing that two
 * parsers could understand differently.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { every } from "hono/combine";
import { ProblemError } from "./problem.ts";

/** What {@linkcode strictJson} may be told. */
export interface StrictJsonOptions {
  /** Largest body, in bytes. @default {65_536} */
  readonly bytesMax?: number;
}

const JSON_MEDIA_TYPE = /^application\/json(?:; *charset="?utf-8"?)?$/i;

/** Brackets, texts, and names with their colon; linear in the length of the text. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"(?:[ \t\r\n]*:)?|[{}[\]]/g;

/** Deepest nesting: recursive code further on must not run out of stack. */
const DEPTH_MAX = 64;

/**
 * A middleware for routes that take JSON: refuses with 413 what is too large, with 415 what is
 * compressed or not declared as JSON, and with 400 what is not well-formed: invalid UTF-8, a
 * byte order mark, repeated names in an object, nesting deeper than 64 levels. A request without
 * a body passes.
 *
 * @param options How large a body may be.
 * @returns The middleware, to be given as `middleware` of a route.
 */
export function strictJson(
  { bytesMax = 65_536 }: StrictJsonOptions = {},
): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: bytesMax,
    onError: () => {
      throw new ProblemError({
        kind: "content-too-large",
        status: 413,
        title: "Content too large",
        detail: `The body of the request exceeds ${bytesMax} bytes`,
        headers: { "Connection": "close" },
      });
    },
  });
  return every(limit, checkJson);
}

const checkJson: MiddlewareHandler = async (context, next) => {
  // Kept by the request: the validator that follows parses the same bytes.
  const bytes = new Uint8Array(await context.req.arrayBuffer());
  if (bytes.length > 0) {
    const encoding = context.req.header("content-encoding");
    const mediaType = context.req.header("content-type") ?? "";
    if (
      (encoding !== undefined && encoding !== "identity") ||
      !JSON_MEDIA_TYPE.test(mediaType)
    ) {
      throw new ProblemError({
        kind: "unsupported-media-type",
        status: 415,
        title: "Unsupported media type",
        detail: 'The body must be sent as "application/json", in UTF-8 and ' +
          "not compressed",
      });
    }
    const fault = faultOf(bytes);
    if (fault !== undefined) {
      throw new ProblemError({
        kind: "malformed-json",
        status: 400,
        title: "Malformed JSON",
        detail: `The body is not usable as JSON: ${fault}`,
      });
    }
  }
  return await next();
};

function faultOf(bytes: Uint8Array): string | undefined {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return "it is not valid UTF-8";
  }
  // Kept apart from the parser's own complaint, which names an invisible character.
  if (text.startsWith("\uFEFF")) return "it begins with a byte order mark";
  try {
    JSON.parse(text);
  } catch {
    return "it is not well-formed";
  }
  return structureFaultOf(text);
}

/**
 * Looks at what `JSON.parse` accepts and others do not, or differently.
 *
 * @param text Well-formed JSON: this relies on it.
 * @returns What is wrong, or `undefined`.
 */
function structureFaultOf(text: string): string | undefined {
  const names: (Set<string> | undefined)[] = [];
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === "{") names.push(new Set());
    else if (token === "[") names.push(undefined);
    else if (token === "}" || token === "]") names.pop();
    else if (token.endsWith(":")) {
      const name: string = JSON.parse(token.slice(0, -1));
      const known = names.at(-1);
      if (known?.has(name)) return "an object has the same name twice";
      known?.add(name);
    }
    if (names.length > DEPTH_MAX) {
      return `it is nested deeper than ${DEPTH_MAX} levels`;
    }
  }
  return undefined;
}
