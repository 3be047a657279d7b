/**
 * Reading JSON bodies strictly: bounded in size and depth, one encoding, and nothing that two
 * parsers could understand differently.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { mayHaveBody, readBody } from "./body.ts";
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
 * A middleware for routes that take JSON: refuses with 415 what is compressed or not declared as
 * JSON, with 413 what is too large, with 408 what does not arrive in time, and with 400 what is
 * not well-formed: invalid UTF-8, a byte order mark, repeated names in an object, nesting deeper
 * than 64 levels, and a body that is declared and empty. A request without a body passes.
 *
 * @param options How large a body may be.
 * @returns The middleware, to be given as `middleware` of a route.
 */
export function strictJson(
  { bytesMax = 65_536 }: StrictJsonOptions = {},
): MiddlewareHandler {
  return async (context, next) => {
    if (!mayHaveBody(context)) {
      // Read all the same: the validator that follows would make much of a body left unread.
      await context.req.arrayBuffer();
      if (isPlainJson(context)) throw malformed(EMPTY);
      return await next();
    }
    if (!isPlainJson(context)) {
      // Declared or not, nothing at all is no body.
      if (await isEmpty(context)) return await next();
      throw new ProblemError({
        kind: "unsupported-media-type",
        status: 415,
        title: "Unsupported media type",
        detail: 'The body must be sent as "application/json", in UTF-8 and ' +
          "not compressed",
      });
    }
    const bytes = await readBody(context, bytesMax);
    const fault = faultOf(bytes);
    if (fault !== undefined) throw malformed(fault);
    return await next();
  };
}

/** What is declared and then missing may have been lost on the way: it is not taken for nothing. */
const EMPTY = "it is empty. Send no Content-Type along with no body";

function malformed(fault: string): ProblemError {
  return new ProblemError({
    kind: "malformed-json",
    status: 400,
    title: "Malformed JSON",
    detail: `The body is not usable as JSON: ${fault}`,
  });
}

function isPlainJson({ req }: Context): boolean {
  const encoding = req.header("content-encoding");
  return (encoding === undefined || encoding === "identity") &&
    JSON_MEDIA_TYPE.test(req.header("content-type") ?? "");
}

async function isEmpty(context: Context): Promise<boolean> {
  try {
    await readBody(context, 0);
    return true;
  } catch (error) {
    const isThere = error instanceof ProblemError &&
      error.problem.status === 413;
    if (isThere) return false;
    throw error;
  }
}

function faultOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return EMPTY;
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
