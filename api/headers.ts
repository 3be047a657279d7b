/**
 * The headers that every response bears: who asked, and what a browser may do with it.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { requestId, type RequestIdVariables } from "hono/request-id";

/**
 * What a response says unless its route says otherwise. Hono's own `secureHeaders` overwrites
 * what a route chose, and the docs page needs its own policy.
 */
export const DEFAULT_HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Longest request id taken over from a caller, in characters. */
const REQUEST_ID_LENGTH_MAX = 64;

/**
 * Adds the security headers to every response, except those that a route has set itself.
 *
 * @returns The middleware.
 */
export function securityHeaders(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(DEFAULT_HEADERS)) {
      if (!context.res.headers.has(name)) context.header(name, value);
    }
  };
}

/**
 * Gives each request an id, in `X-Request-Id`: the caller's when it is well-formed, else a UUID.
 * Problems and log records name it.
 *
 * @returns The middleware. Harmless when it ran already.
 */
export function requestIds(): MiddlewareHandler {
  const identify = requestId({ limitLength: REQUEST_ID_LENGTH_MAX });
  return (
    context: Context<{ Variables: Partial<RequestIdVariables> }>,
    next,
  ) =>
    context.get("requestId") === undefined ? identify(context, next) : next();
}
