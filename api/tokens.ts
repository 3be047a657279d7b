/**
 * The tokens that a server accepts: what they must be like, and telling one from all others
 * without telling how near a wrong one came.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type AdminScope, ANONYMOUS, type Principal } from "./principal.ts";

/** A token with a name of its own. */
export interface AdminToken {
  /**
   * Who bears it: what audit records and logs say instead of the token. 1 to 64 letters, digits
   * and `._-`, first a letter or digit; not `anonymous`. Two tokens may share it, as while one replaces the other.
   */
  readonly id: string;
  /** The secret: 32 to 4,096 characters of `A-Z a-z 0-9 - . _ ~ + /` with trailing `=`. */
  readonly token: string;
  /** What it may do. `"operate"` includes `"read"`. */
  readonly scopes: readonly AdminScope[];
  /** When it ends: ISO 8601 with a zone. @default {never} */
  readonly expiresAt?: string | undefined;
}

/** A token before it is compared: never the secret itself. */
interface KnownToken {
  readonly digest: Uint8Array;
  readonly principal: Principal;
  readonly expiresMs: number;
}

/** Characters of the longest token. */
export const TOKEN_LENGTH_MAX = 4_096;
const TOKEN_LENGTH_MIN = 32;
const TOKEN_PATTERN = /^[A-Za-z0-9\-._~+/]+=*$/;
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const ID_DIGITS = 8;

/**
 * Checks tokens.
 *
 * @param tokens The tokens; a bare text may do everything, and is named after its digest.
 * @returns What requests are compared with.
 * @throws {TypeError | RangeError} If there is none or one is unusable; never repeats it.
 */
export function knownTokens(
  tokens: readonly (string | AdminToken)[],
): readonly KnownToken[] {
  if (!Array.isArray(tokens) || tokens.length === 0) {
    throw new TypeError(
      "Cannot guard the admin API as 'auth.tokens' must hold at least one token",
    );
  }
  const known = tokens.map((token, index) => {
    const where = `Cannot guard the admin API as 'auth.tokens[${index}]`;
    if (typeof token === "object" && token !== null) {
      return knownToken(token, where);
    }
    assertSecret(token, `${where}'`);
    const digest = digestOf(token);
    return {
      digest,
      principal: principal(hexOf(digest).slice(0, ID_DIGITS), ["operate"]),
      expiresMs: Infinity,
    };
  });
  const digests = known.map(({ digest }) => hexOf(digest));
  const repeated = digests.findIndex((digest, i) =>
    digests.indexOf(digest) !== i
  );
  if (repeated !== -1) {
    throw new TypeError(
      `Cannot guard the admin API as 'auth.tokens[${repeated}]' must not repeat another token`,
    );
  }
  return known;
}

/**
 * Finds who bears a token. Compares digests, and all of them: the time taken tells neither how
 * much of a token was right nor which of the tokens it was.
 *
 * @param tokens The accepted tokens.
 * @param token What was presented.
 * @param nowMs The time, in milliseconds since 1970.
 * @returns Who it is, or `undefined` for an unknown or expired token.
 */
export function findPrincipal(
  tokens: readonly KnownToken[],
  token: string,
  nowMs: number,
): Principal | undefined {
  const digest = digestOf(token);
  let found: Principal | undefined;
  for (const candidate of tokens) {
    const isEqual = timingSafeEqual(digest, candidate.digest);
    if (isEqual && nowMs < candidate.expiresMs) found = candidate.principal;
  }
  return found;
}

/**
 * Finds who bears a token that was presented before, as long as it is accepted.
 *
 * @param tokens The accepted tokens.
 * @param digest What {@linkcode tokenDigest} made of it.
 * @param nowMs The time, in milliseconds since 1970.
 * @returns Who it is, or `undefined` once it is unknown or expired.
 */
export function findBearer(
  tokens: readonly KnownToken[],
  digest: string,
  nowMs: number,
): Principal | undefined {
  return tokens.find((known) =>
    hexOf(known.digest) === digest && nowMs < known.expiresMs
  )?.principal;
}

/**
 * What to keep of a token instead of itself.
 *
 * @param token The token.
 * @returns Its SHA-256 in hexadecimal digits.
 */
export function tokenDigest(token: string): string {
  return hexOf(digestOf(token));
}

function knownToken(
  { id, token, scopes, expiresAt }: AdminToken,
  where: string,
): KnownToken {
  if (typeof id !== "string" || !ID_PATTERN.test(id)) {
    throw new RangeError(
      `${where}.id' must have 1 to 64 letters, digits and ._-, first a letter or digit`,
    );
  }
  // Else records would not tell it from everybody, where no token was needed.
  if (id === ANONYMOUS.id) {
    throw new RangeError(`${where}.id' must not be "${id}"`);
  }
  assertSecret(token, `${where}.token'`);
  const isUsable = Array.isArray(scopes) && scopes.length > 0 &&
    scopes.every((scope) => scope === "read" || scope === "operate");
  if (!isUsable) {
    throw new RangeError(
      `${where}.scopes' must hold "read", "operate" or both`,
    );
  }
  return {
    digest: digestOf(token),
    principal: principal(id, scopes),
    expiresMs: expiresAt === undefined
      ? Infinity
      : instantOf(expiresAt, `${where}.expiresAt'`),
  };
}

function assertSecret(token: unknown, where: string): asserts token is string {
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
}

function instantOf(expiresAt: string, where: string): number {
  try {
    return Temporal.Instant.from(expiresAt).epochMilliseconds;
  } catch {
    throw new RangeError(
      `${where} must be an ISO 8601 date and time with a zone: current value is ` +
        JSON.stringify(expiresAt),
    );
  }
}

function principal(id: string, scopes: readonly AdminScope[]): Principal {
  return {
    id,
    scopes: scopes.includes("operate") ? ["read", "operate"] : ["read"],
  };
}

function digestOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

function hexOf(digest: Uint8Array): string {
  return digest.toHex();
}
