/**
 * Sessions: what a browser presents instead of a token, once somebody signed in with one. They
 * live in the memory of the server, and no longer than their token.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Clock } from "../mod.ts";
import { isLoopback } from "./hosts.ts";
import { isNoLess, type Principal } from "./principal.ts";
import { tokenDigest } from "./tokens.ts";

/** How long a session lasts without being used. */
const IDLE_MS = 30 * 60_000;
/** How long a session lasts at most. */
const LIFETIME_MS = 12 * 3_600_000;
/** Sessions at once: the one that was not used for longest makes room. */
const SESSIONS_MAX = 1_000;
const ID_BYTES = 32;
const ID_PATTERN = /^[0-9a-f]{64}$/;

/** The prefix makes browsers refuse it without `Secure`, or from another host. */
const COOKIE = "__Host-opossum";
/** Where browsers keep no secure cookies. */
const PLAIN_COOKIE = "opossum-session";

/** Tells who bears a token now, by its digest; `undefined` when it is not accepted any more. */
export type FindBearer = (digest: string) => Principal | undefined;

/** A session that is in force. */
export interface Session {
  /** Who signed in, and may do now. */
  readonly principal: Principal;
  /** Whether it still is in force; asking does not use it. */
  readonly isAlive: () => boolean;
}

interface Entry {
  readonly tokenDigest: string;
  readonly endsMs: number;
  usedMs: number;
}

/** Keeps sessions. */
export class Sessions {
  readonly #clock: Clock;
  readonly #findBearer: FindBearer;
  /** By a digest of the id, the one that was used last at the end. */
  readonly #entries = new Map<string, Entry>();

  /**
   * @param options `clock`: the source of time. `findBearer`: who bears a token.
   */
  constructor(
    { clock, findBearer }: {
      readonly clock: Clock;
      readonly findBearer: FindBearer;
    },
  ) {
    this.#clock = clock;
    this.#findBearer = findBearer;
  }

  /**
   * Begins a session, and gives the browser its cookie. One that the browser had is ended: an id
   * that somebody else chose or saw must not be signed in.
   *
   * @param context The request that proved to bear the token.
   * @param token The token. Only a digest of it is kept.
   */
  begin(context: Context, token: string): void {
    this.end(context);
    const id = randomBytes(ID_BYTES).toString("hex");
    const nowMs = this.#nowMs();
    for (const [key, entry] of this.#entries) {
      if (hasEnded(entry, nowMs)) this.#entries.delete(key);
    }
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= SESSIONS_MAX) {
      this.#entries.delete(oldest);
    }
    this.#entries.set(keyOf(id), {
      tokenDigest: tokenDigest(token),
      endsMs: nowMs + LIFETIME_MS,
      usedMs: nowMs,
    });
    const isSecure = takesSecureCookies(context);
    setCookie(context, isSecure ? COOKIE : PLAIN_COOKIE, id, {
      httpOnly: true,
      sameSite: "Strict",
      secure: isSecure,
      path: isSecure ? "/" : "/admin",
      maxAge: LIFETIME_MS / 1_000,
    });
  }

  /**
   * Finds the session of a request.
   *
   * @param context The request's context.
   * @param options `isUse`: whether it counts as being used. @default {it does}
   * @returns The session, or `undefined` without one that is in force.
   */
  find(
    context: Context,
    { isUse = true }: { readonly isUse?: boolean } = {},
  ): Session | undefined {
    const key = keyFrom(context);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return undefined;
    const principal = this.#bearerOf(entry);
    if (isUse || principal === undefined) this.#entries.delete(key);
    if (principal === undefined) return undefined;
    if (isUse) {
      entry.usedMs = this.#nowMs();
      this.#entries.set(key, entry);
    }
    return {
      principal,
      isAlive: () =>
        this.#entries.get(key) === entry &&
        isNoLess(principal, this.#bearerOf(entry)),
    };
  }

  /**
   * Ends the session of a request, and takes its cookie back.
   *
   * @param context The request's context.
   */
  end(context: Context): void {
    const key = keyFrom(context);
    if (key === undefined) return;
    this.#entries.delete(key);
    setCookie(context, COOKIE, "", {
      httpOnly: true,
      sameSite: "Strict",
      secure: true,
      path: "/",
      maxAge: 0,
    });
    setCookie(context, PLAIN_COOKIE, "", {
      httpOnly: true,
      sameSite: "Strict",
      path: "/admin",
      maxAge: 0,
    });
  }

  #bearerOf(entry: Entry): Principal | undefined {
    return hasEnded(entry, this.#nowMs())
      ? undefined
      : this.#findBearer(entry.tokenDigest);
  }

  #nowMs(): number {
    // Whoever sets the time back must not prolong them.
    return this.#clock.monotonicMs();
  }
}

function hasEnded({ endsMs, usedMs }: Entry, nowMs: number): boolean {
  return nowMs >= endsMs || nowMs - usedMs >= IDLE_MS;
}

function keyFrom(context: Context): string | undefined {
  const id = getCookie(context, COOKIE) ?? getCookie(context, PLAIN_COOKIE);
  return id !== undefined && ID_PATTERN.test(id) ? keyOf(id) : undefined;
}

/** Not the id itself: how long it takes to find tells nothing about one that exists. */
function keyOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

/**
 * Whether the browser keeps cookies that are marked as secure: over TLS all do, and most trust
 * this machine. Behind a proxy that terminates TLS only the browser knows: it sends these headers
 * to nobody that it does not trust. Safari trusts this machine with them, but not with cookies.
 */
function takesSecureCookies({ req }: Context): boolean {
  const { protocol, hostname } = new URL(req.url);
  if (protocol === "https:") return true;
  if (req.header("sec-fetch-site") === undefined) return false;
  const agent = req.header("user-agent") ?? "";
  const isSafari = /AppleWebKit/.test(agent) && !/Chrom(?:e|ium)\//.test(agent);
  return !(isSafari && isLoopback(hostname.replaceAll(/[[\]]/g, "")));
}
