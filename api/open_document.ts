/**
 * The OpenAPI document of a server that asks nobody for a token.
 *
 * @module
 */
import { SECURITY_SCHEME } from "./sections.ts";

/** The part of an operation that speaks of tokens. */
interface Guarded {
  security?: Readonly<Record<string, unknown>>[];
  readonly responses?: Record<string, unknown>;
}

/** The part of a document that speaks of tokens. */
interface Document {
  readonly paths?: Readonly<Record<string, object>> | undefined;
  readonly components?: { securitySchemes?: Record<string, unknown> };
}

/** What the guard of the admin API stands before. An application's own routes have their own. */
const GUARDED = /^\/(?:admin\/|metrics$)/;

/**
 * Takes out what a document says of tokens where none are needed: the answer to those who have
 * none, and the scheme, unless routes of the application name it as well.
 *
 * @param document The document; it is changed.
 */
export function declareOpen(document: Document): void {
  let isUsed = false;
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(methods) as Guarded[]) {
      const names = operation.security?.flatMap((each) => Object.keys(each));
      if (!names?.includes(SECURITY_SCHEME)) continue;
      if (!GUARDED.test(path)) {
        isUsed = true;
        continue;
      }
      delete operation.security;
      delete operation.responses?.["401"];
    }
  }
  if (!isUsed) delete document.components?.securitySchemes?.[SECURITY_SCHEME];
}
