/**
 * What is answered before a route is asked, and so is not the routes' business to declare.
 *
 * @module
 */
import {
  PROBLEM_SCHEMA,
  problemResponseOf,
  type ProblemStatus,
} from "./responses.ts";

/** The part of an OpenAPI document that is looked at. */
interface Described {
  security?: unknown[];
  requestBody?: unknown;
  responses?: Record<string, unknown>;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** What every route may answer: the checks of the request line, and the server's last resort. */
const ANY: readonly ProblemStatus[] = [400, 421, 500, 503];
/** What a guarded route may answer. */
const GUARDED: readonly ProblemStatus[] = [401, 403, 406, 429];
/** What a route with a body may answer. */
const WITH_BODY: readonly ProblemStatus[] = [408, 413, 415, 422];

/**
 * Declares, for each route of a document, the answers of what stands before the routes, unless
 * the route declares them itself.
 *
 * @param document The document; it is changed.
 */
export function declareCommonResponses(document: {
  readonly paths?: Readonly<Record<string, object>> | undefined;
}): void {
  for (const path of Object.values(document.paths ?? {})) {
    for (const method of METHODS) {
      const described = (path as Record<string, Described | undefined>)[method];
      if (described === undefined) continue;
      const responses = described.responses ??= {};
      for (const status of commonStatuses(described)) {
        responses[status] ??= problemResponseOf(status, {
          $ref: `#/components/schemas/${PROBLEM_SCHEMA}`,
        });
      }
    }
  }
}

function commonStatuses(
  { security = [], requestBody }: Described,
): readonly ProblemStatus[] {
  return [
    ...ANY,
    ...(security.length > 0 ? GUARDED : []),
    ...(requestBody === undefined ? [] : WITH_BODY),
  ];
}
