/**
 * How much a client may ask of the server.
 *
 * @module
 */
import { type Clock, systemClock } from "../mod.ts";
import type { Context, MiddlewareHandler } from "hono";
import { type ClientAddress, clientAddresses } from "./client_address.ts";
import { assertInteger } from "./integer_option.ts";

/** How much a client may ask of the server. */
export interface RequestLimits {
  /**
   * How many wrong tokens a client may present in any minute before it is answered 429: 1 to
   * 1,000,000. Right ones of that client are refused as well until then. @default {10}
   */
  readonly failedLoginsPerMinute?: number;
  /**
   * How many requests that change something a token may send in any minute before it is answered
   * 429: 1 to 1,000,000. Requests that cancel or pause are not counted. @default {10}
   */
  readonly triggersPerMinute?: number;
  /**
   * How long the body of a request may take to arrive before it is answered 408, in milliseconds:
   * 10 to 600,000. @default {10_000}
   */
  readonly bodyTimeoutMs?: number;
  /**
   * Addresses and networks (`10.0.0.0/8`) of proxies, whose `X-Forwarded-For` tells clients
   * apart. From anybody else that header is ignored. @default {none}
   */
  readonly trustedProxies?: readonly string[];
}

/** The limits in force. */
export interface ResolvedLimits {
  readonly failedLoginsPerMinute: number;
  readonly triggersPerMinute: number;
  readonly bodyTimeoutMs: number;
  readonly clientAddress: ClientAddress;
  readonly clock: Clock;
}

/** How long bodies may take, and by whose clock. */
export interface BodyTimeout {
  readonly ms: number;
  readonly clock: Clock;
}

const BODY_TIMEOUT_MS = 10_000;

type LimitsContext = Context<{ Variables: { bodyTimeout?: BodyTimeout } }>;

/**
 * Fills in the defaults and checks every value.
 *
 * @param limits What the caller gave.
 * @param clock The source of time.
 * @returns The limits in force.
 * @throws {RangeError} If a value is unusable.
 */
export function resolveLimits(
  limits: RequestLimits | undefined,
  clock: Clock,
): ResolvedLimits {
  const {
    failedLoginsPerMinute = 10,
    triggersPerMinute = 10,
    bodyTimeoutMs = BODY_TIMEOUT_MS,
    trustedProxies = [],
  } = limits ?? {};
  const bounds = [
    ["failedLoginsPerMinute", failedLoginsPerMinute, 1, 1_000_000],
    ["triggersPerMinute", triggersPerMinute, 1, 1_000_000],
    ["bodyTimeoutMs", bodyTimeoutMs, 10, 600_000],
  ] as const;
  for (const [name, value, min, max] of bounds) {
    const action = "limit requests";
    assertInteger(value, { action, name: `limits.${name}`, min, max });
  }
  return {
    failedLoginsPerMinute,
    triggersPerMinute,
    bodyTimeoutMs,
    clientAddress: clientAddresses(trustedProxies),
    clock,
  };
}

/**
 * Tells the routes how long bodies may take.
 *
 * @param limits The limits in force.
 * @returns The middleware.
 */
export function provideLimits(
  { bodyTimeoutMs: ms, clock }: ResolvedLimits,
): MiddlewareHandler {
  return (context: LimitsContext, next) => {
    context.set("bodyTimeout", { ms, clock });
    return next();
  };
}

/**
 * How long the body of a request may take.
 *
 * @param context The request's context.
 * @returns The time: that of {@linkcode provideLimits}, or the default where nothing was said.
 */
export function bodyTimeoutOf(context: Context): BodyTimeout {
  return (context as LimitsContext).get("bodyTimeout") ??
    { ms: BODY_TIMEOUT_MS, clock: systemClock };
}
