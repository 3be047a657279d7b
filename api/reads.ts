/**
 * How much who may only look may ask for at once.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { principalOf } from "./principal.ts";
import { problemResponse } from "./problem.ts";

/** Requests of one token under way at once; the streams of events that go on are not counted. */
const UNDER_WAY_MAX = 20;

/**
 * Answers 429 to a token that may only look and asks for more than twenty things at once, so that
 * it cannot keep the server from those who may operate. Whoever asks one thing after the other,
 * however often, is never refused.
 *
 * @returns The middleware, to be used after the guard.
 */
export function limitReads(): MiddlewareHandler {
  const underWay = new Map<string, number>();
  return async (context, next) => {
    const { id, scopes } = principalOf(context);
    if (scopes.includes("operate")) return await next();
    const count = underWay.get(id) ?? 0;
    if (count >= UNDER_WAY_MAX) {
      return problemResponse(context, {
        kind: "too-many-reads",
        status: 429,
        title: "Too many requests",
        detail: `This token has ${UNDER_WAY_MAX} requests under way: wait ` +
          "until one of them is answered",
        headers: { "Retry-After": "1" },
      });
    }
    underWay.set(id, count + 1);
    try {
      await next();
    } finally {
      const left = (underWay.get(id) ?? 1) - 1;
      if (left > 0) underWay.set(id, left);
      else underWay.delete(id);
    }
  };
}
