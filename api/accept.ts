/**
 * Refusing requests for something that a route does not have.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { parseAccept } from "hono/utils/accept";
import type { RouteFinder } from "./described_routes.ts";
import { type ProblemInit, problemResponse } from "./problem.ts";

/** Characters of the longest `Accept` that is looked at; browsers send some hundred. */
const ACCEPT_LENGTH_MAX = 4_096;

/**
 * Answers 406 to requests whose `Accept` takes nothing that their route answers with.
 *
 * @param find Finds the route.
 * @returns The middleware.
 */
export function refuseUnacceptable(find: RouteFinder): MiddlewareHandler {
  return async (context, next) => {
    const accept = context.req.header("accept");
    const mediaTypes = find(context)?.mediaTypes ?? [];
    if (
      accept === undefined || mediaTypes.length === 0 ||
      accepts(accept, mediaTypes)
    ) return await next();
    return problemResponse(context, notAcceptable(mediaTypes));
  };
}

function notAcceptable(mediaTypes: readonly string[]): ProblemInit {
  return {
    kind: "not-acceptable",
    status: 406,
    title: "Not acceptable",
    detail: `This path answers with ${mediaTypes.join(" or ")}, which the ` +
      "Accept header does not take",
  };
}

function accepts(accept: string, mediaTypes: readonly string[]): boolean {
  if (accept.length > ACCEPT_LENGTH_MAX) return false;
  const entries = parseAccept(accept);
  const ranges = entries.filter(({ q }) => q > 0)
    .map(({ type }) => type.toLowerCase());
  // An empty header says as little as a missing one.
  return entries.length === 0 || mediaTypes.some((mediaType) => {
    const [main] = mediaType.split("/");
    return ranges.some((range) =>
      range === mediaType || range === `${main}/*` || range === "*/*" ||
      range === "*"
    );
  });
}
