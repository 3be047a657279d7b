/**
 * Who may use the admin API: bearer tokens (RFC 6750), or, on the loopback interface and only
 * when told so, everybody.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { type Clock, type Logger, silentLogger, systemClock } from "../mod.ts";
import { clientKey } from "./client_address.ts";
import {
  type RequestLimits,
  type ResolvedLimits,
  resolveLimits,
} from "./limits.ts";
import {
  type AdminScope,
  ANONYMOUS,
  isNoLess,
  type Principal,
  setPrincipal,
} from "./principal.ts";
import { type ProblemInit, problemResponse, requestIdOf } from "./problem.ts";
import { RateLimit } from "./rate_limit.ts";
import { Sessions } from "./sessions.ts";
import {
  type AdminToken,
  findBearer,
  findPrincipal,
  knownTokens,
  TOKEN_LENGTH_MAX,
} from "./tokens.ts";

/** What a server accepts as tokens; a bare text may do everything. */
export type AdminTokens = readonly (string | AdminToken)[];

/** How requests to the admin API prove that they may. */
export type AdminAuth =
  | {
    /**
     * The accepted tokens: at least one, each 32 to 4,096 characters of `A-Z a-z 0-9 - . _ ~ + /`
     * with trailing `=`. A function is asked at every request, so that tokens can be rotated
     * without a restart: accept the old and the new one for a while. See `watchTokenFile()`.
     */
    readonly tokens: AdminTokens | (() => AdminTokens);
  }
  | {
    /** Lets everybody in. `serveApp()` then serves on the loopback interface only. */
    readonly allowUnauthenticated: true;
  };

/** What a guard may be told. */
export interface AuthOptions {
  /** How many wrong tokens a client may present. @default {10 a minute} */
  readonly limits?: RequestLimits;
  /** The source of time. @default {the machine's} */
  readonly clock?: Clock;
  /** Told of requests that were refused. @default {nobody} */
  readonly logger?: Logger;
}

const CREDENTIALS_PATTERN = /^bearer(?: +([A-Za-z0-9\-._~+/]+=*))?$/i;
const REALM = 'Bearer realm="opossum"';

/** Methods that change nothing. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether a request may change something, by its method.
 *
 * @param context The request's context.
 * @returns `false` for GET, HEAD and OPTIONS.
 */
export function isUnsafe({ req }: Context): boolean {
  return !SAFE_METHODS.has(req.method);
}

/**
 * The middleware that lets a request pass only with an accepted token: GET with any, everything
 * else with one that may operate. It reads nothing but headers, so that a stranger learns nothing
 * of what is behind it. A client that presents wrong tokens again and again is not listened to
 * for a while; clients are told apart where the runtime tells their address.
 *
 * @param auth The tokens, or that none are needed.
 * @param options Limits, and where to log.
 * @returns The middleware.
 * @throws {TypeError | RangeError} If there is no token, or one is too short, too long or holds
 * other characters.
 *
 * @example
 * ```ts
 * import { requireAuth } from "@opossum/deno/api";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * const token = crypto.randomUUID() + crypto.randomUUID();
 * const app = new Hono();
 * app.use("/secrets/*", requireAuth({ tokens: [{ id: "ada", token, scopes: ["read"] }] }));
 * app.get("/secrets/1", (c) => c.text("the cake is real"));
 * app.delete("/secrets/1", (c) => c.text("eaten"));
 *
 * assertEquals((await app.request("/secrets/1")).status, 401);
 * const headers = { authorization: `Bearer ${token}` };
 * assertEquals((await app.request("/secrets/1", { headers })).status, 200);
 * const deletion = { method: "DELETE", headers };
 * assertEquals((await app.request("/secrets/1", deletion)).status, 403);
 * ```
 */
export function requireAuth(
  auth: AdminAuth,
  { limits, clock = systemClock, logger = silentLogger }: AuthOptions = {},
): MiddlewareHandler {
  return createAccess(auth, resolveLimits(limits, clock), logger).guard;
}

/** How to get in: with a token in each request, or, in a browser, by signing in with one once. */
export interface Access {
  /** Lets requests pass that bear an accepted token, or a session. */
  readonly guard: MiddlewareHandler;
  /** The sessions, or `undefined` where no token is needed. */
  readonly sessions: Sessions | undefined;
  /**
   * Looks who bears a token that was typed in, and counts like the guard what fails.
   *
   * @param context The request's context.
   * @param token What was typed in.
   * @returns Who it is, or why they are not let in.
   */
  readonly identify: (
    context: Context,
    token: string,
  ) => Principal | ProblemInit;
}

/**
 * {@linkcode requireAuth} with limits that are in force already, and what signing in takes.
 *
 * @param auth The tokens, or that none are needed.
 * @param limits The limits.
 * @param logger Told of requests that were refused.
 * @returns How to get in. Each counts wrong tokens for itself.
 */
export function createAccess(
  auth: AdminAuth,
  limits: ResolvedLimits,
  logger: Logger,
): Access {
  if ("allowUnauthenticated" in auth) {
    return {
      guard: refuseCrossSite,
      sessions: undefined,
      identify: () => ANONYMOUS,
    };
  }
  const { tokens } = auth;
  const read = typeof tokens === "function" ? tokens : () => tokens;
  // A server that cannot let anybody in should say so when it starts.
  knownTokens(read());
  const failures = new RateLimit({
    perMinute: limits.failedLoginsPerMinute,
    clock: limits.clock,
  });
  const nowMs = () => limits.clock.now().getTime();
  const sessions = new Sessions({
    clock: limits.clock,
    findBearer: (digest) => findBearer(knownTokens(read()), digest, nowMs()),
  });
  const attempt = (context: Context) => {
    const client = limits.clientAddress(context);
    const key = client === undefined ? undefined : clientKey(client);
    const waitSeconds = key === undefined ? 0 : failures.waitSeconds(key);
    return {
      tooMany: waitSeconds > 0 ? tooManyFailures(waitSeconds) : undefined,
      failed: (problem: Refusal) => {
        if (key !== undefined) failures.count(key);
        logger.log("warn", "Credentials were refused", {
          problem: problem.kind,
          client,
          requestId: requestIdOf(context),
        });
        return problem;
      },
    };
  };
  const identify = (context: Context, token: string) => {
    const { tooMany, failed } = attempt(context);
    if (tooMany) return tooMany;
    const principal = token.length > TOKEN_LENGTH_MAX
      ? undefined
      : findPrincipal(knownTokens(read()), token, nowMs());
    if (principal === undefined) {
      const { challenge: _, ...problem } = failed(UNKNOWN_TOKEN);
      return problem;
    }
    return principal;
  };
  const guard: MiddlewareHandler = async (context, next) => {
    const credentials = context.req.header("authorization");
    // Coming back to a stream is nothing that somebody does.
    const isUse = context.req.header("accept") !== "text/event-stream";
    const session = credentials === undefined
      ? sessions.find(context, { isUse })
      : undefined;
    if (session) {
      // A browser sends cookies by itself, whoever made it ask.
      if (isUnsafe(context) && isCrossSite(context)) {
        return problemResponse(context, CROSS_SITE);
      }
      const { principal, isAlive } = session;
      return admit(context, principal, isAlive) ?? await next();
    }
    const { tooMany, failed } = attempt(context);
    if (tooMany) return problemResponse(context, tooMany);
    const fail = (problem: Refusal) => refuse(context, failed(problem));
    // Asking for the way in is no attempt to break in.
    if (credentials === undefined) return refuse(context, NO_CREDENTIALS);
    const match = credentials.length > TOKEN_LENGTH_MAX + "Bearer ".length
      ? null
      : CREDENTIALS_PATTERN.exec(credentials);
    if (match === null) return fail(MALFORMED_CREDENTIALS);
    const find = () =>
      findPrincipal(knownTokens(read()), match[1] ?? "", nowMs());
    const principal = find();
    if (principal === undefined) return fail(UNKNOWN_TOKEN);
    const isStillAccepted = () => isNoLess(principal, find());
    return admit(context, principal, isStillAccepted) ?? await next();
  };
  const admit = (
    context: Context,
    principal: Principal,
    isStillAccepted: () => boolean,
  ) => {
    setPrincipal(context, principal, isStillAccepted);
    const scope: AdminScope = isUnsafe(context) ? "operate" : "read";
    if (principal.scopes.includes(scope)) return undefined;
    logger.log("warn", "A token was refused what it may not do", {
      principal: principal.id,
      scope,
      client: limits.clientAddress(context),
      requestId: requestIdOf(context),
    });
    return refuse(context, INSUFFICIENT_SCOPE);
  };
  return { guard, sessions, identify };
}

type Refusal = ProblemInit & { readonly challenge: string };

const NO_CREDENTIALS: Refusal = {
  challenge: REALM,
  ...unauthorized("a bearer token is needed"),
};

const UNKNOWN_TOKEN: Refusal = {
  challenge: `${REALM}, error="invalid_token"`,
  ...unauthorized("the token is not accepted"),
};

const MALFORMED_CREDENTIALS: Refusal = {
  challenge: `${REALM}, error="invalid_request"`,
  kind: "malformed-credentials",
  status: 400,
  title: "Malformed credentials",
  detail: "The Authorization header must hold one bearer token",
};

const INSUFFICIENT_SCOPE: Refusal = {
  challenge: `${REALM}, error="insufficient_scope", scope="operate"`,
  kind: "insufficient-scope",
  status: 403,
  title: "Insufficient scope",
  detail: "The token may look, but not change anything: send one that may " +
    "operate",
};

function tooManyFailures(waitSeconds: number): ProblemInit {
  return {
    kind: "too-many-failed-logins",
    status: 429,
    title: "Too many failed log-ins",
    detail: "Too many wrong tokens came from this address: try again later",
    headers: { "Retry-After": String(waitSeconds) },
    anonymous: true,
  };
}

/**
 * Without tokens, any page that the user of this machine has open could press the buttons: a
 * browser sends simple requests across sites without asking.
 */
const refuseCrossSite: MiddlewareHandler = async (context, next) => {
  if (isUnsafe(context) && isCrossSite(context)) {
    return problemResponse(context, CROSS_SITE);
  }
  setPrincipal(context, ANONYMOUS);
  return await next();
};

/** What pages of other sites are answered. */
export const CROSS_SITE: ProblemInit = {
  kind: "cross-site-request",
  status: 403,
  title: "Cross-site request",
  detail: "Pages of other sites cannot change anything here: configure a " +
    "token and send it",
};

/**
 * Whether a browser says that a page of another site made it ask.
 *
 * @param context The request's context.
 * @returns `false` also for what is no browser.
 */
export function isCrossSite(context: Context): boolean {
  const site = context.req.header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = context.req.header("origin");
  // Not the scheme: behind a proxy that terminates TLS it is another one.
  return origin !== undefined &&
    URL.parse(origin)?.host !== new URL(context.req.url).host;
}

function unauthorized(
  reason: string,
): Pick<ProblemInit, "kind" | "status" | "title" | "detail"> {
  return {
    kind: "unauthorized",
    status: 401,
    title: "Unauthorized",
    detail: `Access is refused as ${reason}`,
  };
}

function refuse(
  context: Context,
  { challenge, ...problem }: Refusal,
): Response {
  return problemResponse(context, {
    ...problem,
    headers: { "WWW-Authenticate": challenge },
    anonymous: true,
  });
}
