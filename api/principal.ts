/**
 * Who asks, once the request has shown that it may.
 *
 * @module
 */
import type { Context } from "hono";

/**
 * What somebody may do: `"read"` looks (GET), `"operate"` changes something (everything else).
 */
export type AdminScope = "read" | "operate";

/** Who asks. */
export interface Principal {
  /** The id of the token, never the token; `"anonymous"` where none is needed. */
  readonly id: string;
  /** What it may do; who may operate may read as well. */
  readonly scopes: readonly AdminScope[];
}

/** Everybody, where no token is needed. */
export const ANONYMOUS: Principal = {
  id: "anonymous",
  scopes: ["read", "operate"],
};

/**
 * Whether somebody may still do all that they might when they asked.
 *
 * @param before Who they were.
 * @param now Who they are, or `undefined` for nobody.
 * @returns `false` also when they may do less.
 */
export function isNoLess(
  before: Principal,
  now: Principal | undefined,
): boolean {
  return now !== undefined &&
    before.scopes.every((scope) => now.scopes.includes(scope));
}

type PrincipalContext = Context<{
  Variables: { principal?: Principal; isStillAccepted?: () => boolean };
}>;

/**
 * Who sent a request that passed {@linkcode requireAuth}.
 *
 * @param context The request's context.
 * @returns The id of its token, and what it may do.
 * @throws {TypeError} If the route is not guarded.
 */
export function principalOf(context: Context): Principal {
  const principal = (context as PrincipalContext).get("principal");
  if (principal !== undefined) return principal;
  throw new TypeError(
    "Cannot tell who asks as the route is not guarded by 'requireAuth()'",
  );
}

/**
 * Keeps who sent a request.
 *
 * @param context The request's context.
 * @param principal Who it is.
 * @param isStillAccepted Whether the proof of it, such as a token, holds by now. Asked again and
 * again while an answer goes on.
 */
export function setPrincipal(
  context: Context,
  principal: Principal,
  isStillAccepted: () => boolean = () => true,
): void {
  (context as PrincipalContext).set("principal", principal);
  (context as PrincipalContext).set("isStillAccepted", isStillAccepted);
}

/**
 * Whether who asked may still be told more: an answer without end must not outlive its token.
 *
 * @param context The request's context.
 * @returns `false` once the token is revoked, has expired or may do less, or that cannot be told.
 */
export function isStillAccepted(context: Context): boolean {
  try {
    return (context as PrincipalContext).get("isStillAccepted")?.() === true;
  } catch {
    return false;
  }
}
