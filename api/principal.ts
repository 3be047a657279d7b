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

type PrincipalContext = Context<{ Variables: { principal?: Principal } }>;

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
 */
export function setPrincipal(context: Context, principal: Principal): void {
  (context as PrincipalContext).set("principal", principal);
}
