/**
 * What is logged of requests: each at level debug, and what the server could not do as a warning.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { Clock, Logger } from "../mod.ts";
import { isFailureLogged, requestIdOf } from "./problem.ts";
import { methodOf, routeOf } from "./route_of.ts";

/** Asked every few seconds by whoever waits for the server: a 503 there is an answer. */
const PROBES: ReadonlySet<string | undefined> = new Set([
  "/healthz",
  "/readyz",
]);

/**
 * Logs each request once its answer is there: method, route, status, duration and request id.
 * Never paths, query strings, headers or bodies: they may hold keys of documents, and tokens.
 *
 * @param logger Where to.
 * @param clock Measures durations.
 * @returns The middleware; register it within `traceRequests()`, and after `requestIds()`.
 */
export function logRequests(
  logger: Logger,
  clock: Clock,
): MiddlewareHandler {
  return async (context, next) => {
    const startMs = clock.monotonicMs();
    await next();
    const { status } = context.res;
    const route = routeOf(context);
    const isNews = status >= 500 && !PROBES.has(route) &&
      !isFailureLogged(context);
    const level = isNews ? "warn" : "debug";
    logger.log(level, "Request answered", {
      method: methodOf(context),
      route,
      status,
      durationMs: Math.round((clock.monotonicMs() - startMs) * 10) / 10,
      requestId: requestIdOf(context),
    });
  };
}
