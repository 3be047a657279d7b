/**
 * The route that a request took, and its method: what may stand in logs and metrics, unlike its
 * path, which may hold the key of a document or a token pasted into the wrong place.
 *
 * @module
 */
import type { Context } from "hono";
import { routePath } from "hono/route";

/**
 * The route of a request, as the OpenAPI document writes it.
 *
 * @param context The request's context.
 * @returns The route, such as `/admin/operations/{operationId}`, or `undefined` when none matched.
 */
export function routeOf(context: Context): string | undefined {
  const path = routePath(context);
  if (path === "" || path.includes("*")) return undefined;
  return path.replaceAll(/:([^/]+)/g, "{$1}");
}

/** Methods that may become values of attributes; others would let strangers make up new series. */
const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/**
 * The method of a request, as OpenTelemetry's conventions want it.
 *
 * @param context The request's context.
 * @returns One of the usual methods, or `_OTHER`.
 */
export function methodOf({ req }: Context): string {
  return METHODS.has(req.method) ? req.method : "_OTHER";
}
