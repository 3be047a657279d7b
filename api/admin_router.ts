/**
 * The admin API: rebuild projections, watch it, and see how they stand.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Opossum } from "../mod.ts";
import { type AdminAuth, requireAuth } from "./auth.ts";
import { requestIds, securityHeaders } from "./headers.ts";
import { addKeyRoutes } from "./key_routes.ts";
import { createNotFoundHandler, refuseOtherMethods } from "./methods.ts";
import { addEventRoutes } from "./operation_events.ts";
import { addOperationRoutes } from "./operation_routes.ts";
import { createErrorHandler } from "./problem.ts";
import { addFaultRoutes } from "./fault_routes.ts";
import { addProjectionRoutes } from "./projection_routes.ts";
import { addRebuildRoutes } from "./rebuild_routes.ts";
import { addScheduleRoutes } from "./schedule_routes.ts";
import { addScrubRoutes } from "./scrub_routes.ts";
import { SECURITY_SCHEME } from "./sections.ts";
import { validationHook } from "./validation.ts";

/** What the admin API needs. */
export interface AdminRouterOptions {
  /** The store that it administers. */
  readonly opossum: Opossum;
  /** Who may use it. */
  readonly auth: AdminAuth;
  /**
   * How long a request to rebuild waits for the end before it is answered with the operation,
   * in milliseconds, from 0 to 600,000. Callers override it with `Prefer`. @default {30_000}
   */
  readonly rebuildWaitMs?: number;
}

/**
 * Creates the router of the admin API. Mount it at the root: its paths begin with `/admin`, and
 * every path under it, known or not, is answered only to those who may ask.
 *
 * `createApp()` puts it together with the document, the docs page, health checks and the
 * application's own routes; use this one to mount it on an application of your own.
 *
 * @param options The store, and who may use it.
 * @returns The router.
 * @throws {TypeError | RangeError} If there is no usable token, or `rebuildWaitMs` is out of range.
 *
 * @example
 * ```ts
 * import { openOpossum, silentLogger } from "@opossum/deno";
 * import { createAdminRouter } from "@opossum/deno/api";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * const path = await Deno.makeTempDir();
 * {
 *   await using opossum = await openOpossum({ path, logger: silentLogger });
 *   const token = crypto.randomUUID() + crypto.randomUUID();
 *   const app = new Hono();
 *   app.route("/", createAdminRouter({ opossum, auth: { tokens: [token] } }));
 *
 *   const headers = { authorization: `Bearer ${token}` };
 *   const response = await app.request("/admin/projections/status", { headers });
 *   assertEquals((await response.json()).isRebuilding, false);
 * }
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export function createAdminRouter(
  { opossum, auth, rebuildWaitMs = 30_000 }: AdminRouterOptions,
): OpenAPIHono {
  if (
    !Number.isSafeInteger(rebuildWaitMs) || rebuildWaitMs < 0 ||
    rebuildWaitMs > 600_000
  ) {
    throw new RangeError(
      "Cannot create the admin API as 'rebuildWaitMs' must be an integer " +
        `from 0 to 600000: current value is ${rebuildWaitMs}`,
    );
  }
  const router = new OpenAPIHono({ defaultHook: validationHook });
  router.onError(createErrorHandler({ logger: opossum.options.logger }));
  router.openAPIRegistry.registerComponent("securitySchemes", SECURITY_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "A token that the server was configured with",
  });

  // "/admin/*" covers "/admin" itself.
  router.use(
    "/admin/*",
    requestIds(),
    securityHeaders(),
    requireAuth(auth),
    refuseOtherMethods(router),
  );
  addRebuildRoutes(router, opossum, rebuildWaitMs);
  addProjectionRoutes(router, opossum);
  addFaultRoutes(router, opossum);
  addKeyRoutes(router, opossum);
  addOperationRoutes(router, opossum);
  addScheduleRoutes(router, opossum);
  addScrubRoutes(router, opossum, rebuildWaitMs);
  addEventRoutes(router, opossum);
  // Mounted elsewhere, the other router's own 404 would not be a problem document.
  router.all("/admin/*", createNotFoundHandler(router));
  return router;
}
