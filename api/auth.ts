/**
 * Who may use the admin API: bearer tokens (RFC 6750), or, on the loopback interface and only
 * when told so, everybody.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { type ProblemInit, problemResponse } from "./problem.ts";

/** How requests to the admin API prove that they may. */
export type AdminAuth =
  | {
    /**
     * The accepted tokens: at least one, each 32 to 4,096 characters of `A-Z a-z 0-9 - . _ ~ + /`
     * with trailing `=`. A function is asked at every request, so that tokens can be rotated
     * without a restart: accept the old and the new one for a while.
     */
    readonly tokens: readonly string[] | (() => readonly string[]);
  }
  | {
    /** Lets everybody in. `serveApp()` then serves on the loopback interface only. */
    readonly allowUnauthenticated: true;
  };

const TOKEN_LENGTH_MIN = 32;
const TOKEN_LENGTH_MAX = 4_096;
const TOKEN_PATTERN = /^[A-Za-z0-9\-._~+/]+=*$/;
const CREDENTIALS_PATTERN = /^bearer(?: +([A-Za-z0-9\-._~+/]+=*))?$/i;
const REALM = 'Bearer realm="opossum"';

/** Methods that change nothing. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The middleware that lets a request pass only with an accepted token. It reads nothing but
 * headers, so that a stranger learns nothing of what is behind it.
 *
 * @param auth The tokens, or that none are needed.
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
 * app.use("/secrets/*", requireAuth({ tokens: [token] }));
 * app.get("/secrets/1", (c) => c.text("the cake is real"));
 *
 * assertEquals((await app.request("/secrets/1")).status, 401);
 * const headers = { authorization: `Bearer ${token}` };
 * assertEquals((await app.request("/secrets/1", { headers })).status, 200);
 * ```
 */
export function requireAuth(auth: AdminAuth): MiddlewareHandler {
  if ("allowUnauthenticated" in auth) return refuseCrossSite;
  const { tokens } = auth;
  const read = typeof tokens === "function" ? tokens : () => tokens;
  // A server that cannot let anybody in should say so when it starts.
  digestsOf(read());
  return async (context, next) => {
    const credentials = context.req.header("authorization");
    if (credentials === undefined) {
      return refuse(context, {
        challenge: REALM,
        ...unauthorized("a bearer token is needed"),
      });
    }
    const match = credentials.length > TOKEN_LENGTH_MAX + "Bearer ".length
      ? null
      : CREDENTIALS_PATTERN.exec(credentials);
    if (match === null) {
      return refuse(context, {
        challenge: `${REALM}, error="invalid_request"`,
        kind: "malformed-credentials",
        status: 400,
        title: "Malformed credentials",
        detail: "The Authorization header must hold one bearer token",
      });
    }
    if (!isAccepted(match[1] ?? "", digestsOf(read()))) {
      return refuse(context, {
        challenge: `${REALM}, error="invalid_token"`,
        ...unauthorized("the token is not accepted"),
      });
    }
    return await next();
  };
}

function digestsOf(tokens: readonly string[]): readonly Uint8Array[] {
  if (!Array.isArray(tokens) || tokens.length === 0) {
    throw new TypeError(
      "Cannot guard the admin API as 'auth.tokens' must hold at least one token",
    );
  }
  return tokens.map((token, index) => {
    const where = `Cannot guard the admin API as 'auth.tokens[${index}]'`;
    if (typeof token !== "string") {
      throw new TypeError(`${where} must be a text: it is ${typeof token}`);
    }
    if (token.length < TOKEN_LENGTH_MIN || token.length > TOKEN_LENGTH_MAX) {
      throw new RangeError(
        `${where} must have ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} ` +
          `characters: its length is ${token.length}`,
      );
    }
    if (!TOKEN_PATTERN.test(token)) {
      throw new RangeError(
        `${where} must consist of letters, digits and -._~+/ with trailing =`,
      );
    }
    return digestOf(token);
  });
}

/**
 * Compares digests, and all of them: the time taken tells neither how much of a token was right
 * nor which of the tokens it was.
 */
function isAccepted(token: string, accepted: readonly Uint8Array[]): boolean {
  const digest = digestOf(token);
  let found = false;
  for (const candidate of accepted) {
    found = timingSafeEqual(digest, candidate) || found;
  }
  return found;
}

function digestOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/**
 * Without tokens, any page that the user of this machine has open could press the buttons: a
 * browser sends simple requests across sites without asking.
 */
const refuseCrossSite: MiddlewareHandler = async (context, next) => {
  if (!SAFE_METHODS.has(context.req.method) && isCrossSite(context)) {
    return problemResponse(context, {
      kind: "cross-site-request",
      status: 403,
      title: "Cross-site request",
      detail: "Pages of other sites cannot change anything here: configure a " +
        "token and send it",
    });
  }
  return await next();
};

function isCrossSite(context: Context): boolean {
  const site = context.req.header("sec-fetch-site");
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  const origin = context.req.header("origin");
  return origin !== undefined && origin !== new URL(context.req.url).origin;
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
  { challenge, ...problem }: ProblemInit & { readonly challenge: string },
): Response {
  return problemResponse(context, {
    ...problem,
    headers: { "WWW-Authenticate": challenge },
    anonymous: true,
  });
}
