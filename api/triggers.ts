/**
 * How often a token may change something.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { isUnsafe } from "./auth.ts";
import type { RouteFinder } from "./described_routes.ts";
import type { ResolvedLimits } from "./limits.ts";
import { principalOf } from "./principal.ts";
import { problemResponse } from "./problem.ts";
import { RateLimit } from "./rate_limit.ts";

/**
 * Whether a request makes the server do less: such must work whenever they are needed.
 *
 * @param context The request's context.
 * @returns `true` for requests that cancel or pause.
 */
export function isBrake({ req: { method, path } }: Context): boolean {
  return method === "DELETE" || /\/(?:cancel|pause)$/.test(path);
}

/**
 * Answers 429 to a token that changes things too often; anonymous callers count as one.
 *
 * @param limits The limits in force.
 * @param find Finds the route: what matches none is not counted.
 * @returns The middleware, to be used after the guard.
 */
export function limitTriggers(
  { triggersPerMinute, clock }: ResolvedLimits,
  find: RouteFinder,
): MiddlewareHandler {
  const triggers = new RateLimit({ perMinute: triggersPerMinute, clock });
  return async (context, next) => {
    if (!isUnsafe(context) || isBrake(context) || find(context) === undefined) {
      return await next();
    }
    const { id } = principalOf(context);
    const waitSeconds = triggers.waitSeconds(id);
    if (waitSeconds === 0) {
      triggers.count(id);
      return await next();
    }
    return problemResponse(context, {
      kind: "too-many-triggers",
      status: 429,
      title: "Too many requests",
      detail: `This token may change something ${triggersPerMinute} times a ` +
        "minute: try again later. Cancelling is always possible",
      headers: { "Retry-After": String(waitSeconds) },
    });
  };
}
