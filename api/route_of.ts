/**
 * The route that a request took: what may stand in logs and metrics, unlike its path, which may
 * hold the key of a document or a token pasted into the wrong place.
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
