/**
 * The admin API: rebuild projections, watch it, and see how they stand.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { every } from "hono/combine";
import type { Opossum } from "../mod.ts";
import { refuseUnacceptable } from "./accept.ts";
import { auditRequests } from "./audit.ts";
import { addAuditRoutes } from "./audit_routes.ts";
import { type Access, type AdminAuth, createAccess } from "./auth.ts";
import { addDashboard, addGuardedDashboard } from "./dashboard/routes.ts";
import { describedRoutes } from "./described_routes.ts";
import { requestIds, securityHeaders } from "./headers.ts";
import { addKeyRoutes } from "./key_routes.ts";
import { LOOPBACK_HOSTS, requireHost, requireWellFormed } from "./hosts.ts";
import { assertInteger } from "./integer_option.ts";
import {
  provideLimits,
  type RequestLimits,
  type ResolvedLimits,
  resolveLimits,
} from "./limits.ts";
import { createNotFoundHandler, refuseOtherMethods } from "./methods.ts";
import { addEventRoutes } from "./operation_events.ts";
import { addOperationRoutes } from "./operation_routes.ts";
import { principalOf } from "./principal.ts";
import { createErrorHandler } from "./problem.ts";
import { addFaultRoutes } from "./fault_routes.ts";
import { addGenerationRoutes } from "./generation_routes.ts";
import { addProjectionRoutes } from "./projection_routes.ts";
import { limitReads } from "./reads.ts";
import { addRebuildRoutes } from "./rebuild_routes.ts";
import { addScheduleRoutes } from "./schedule_routes.ts";
import { addScrubRoutes } from "./scrub_routes.ts";
import { SECURITY_SCHEME } from "./sections.ts";
import { limitTriggers } from "./triggers.ts";
import { validationHook } from "./validation.ts";

/** What the admin API needs. */
export interface AdminRouterOptions {
  /** The store that it administers. */
  readonly opossum: Opossum;
  /** Who may use it. */
  readonly auth: AdminAuth;
  /**
   * How long a request to rebuild or to scrub waits for the end before it is answered with what
   * goes on, in milliseconds, from 0 to 600,000. Callers override it with `Prefer`.
   * @default {30_000}
   */
  readonly rebuildWaitMs?: number;
  /** How much a client may ask. @default {see {@linkcode RequestLimits}} */
  readonly limits?: RequestLimits;
}

/**
 * Creates the router of the admin API. Mount it at the root: its paths begin with `/admin`, and
 * every path under it, known or not, is answered only to those who may ask.
 *
 * `createApp()` puts it together with the document, the docs page, health checks and the
 * application's own routes; use this one to mount it on an application of your own. Without tokens
 * it answers only to the names of the loopback interface.
 *
 * @param options The store, and who may use it.
 * @returns The router.
 * @throws {TypeError | RangeError} If there is no usable token, or an option is out of range.
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
export function createAdminRouter(options: AdminRouterOptions): OpenAPIHono {
  const { opossum, auth } = options;
  const { clock, logger } = opossum.options;
  const limits = resolveLimits(options.limits, clock);
  return buildAdminRouter(options, {
    limits,
    access: createAccess(auth, limits, logger),
  });
}

/**
 * {@linkcode createAdminRouter} with limits and ways in that others share.
 *
 * @param options The store.
 * @param shared `limits`: those in force. `access`: decides who may use it.
 * @returns The router.
 */
export function buildAdminRouter(
  { opossum, rebuildWaitMs = 30_000 }: AdminRouterOptions,
  { limits, access }: {
    readonly limits: ResolvedLimits;
    readonly access: Access;
  },
): OpenAPIHono {
  assertInteger(rebuildWaitMs, {
    action: "create the admin API",
    name: "rebuildWaitMs",
    min: 0,
    max: 600_000,
  });
  const router = new OpenAPIHono({ defaultHook: validationHook });
  const { logger } = opossum.options;
  router.onError(createErrorHandler({ logger }));
  router.openAPIRegistry.registerComponent("securitySchemes", SECURITY_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "A token that the server was configured with",
  });

  // In this order, so that nothing about what there is leaks to those who may not know, and what
  // is cheap to refuse is refused first. "/admin/*" covers "/admin" itself.
  const find = describedRoutes(router);
  const { clientAddress } = limits;
  router.use(
    "/admin/*",
    requestIds(),
    securityHeaders(),
    provideLimits(limits),
  );
  // Without tokens, nothing else keeps a page out whose name was made to point here: wherever the
  // router is mounted, and whatever else `createApp()` answers to.
  if (access.sessions === undefined) {
    router.use(
      "/admin/*",
      every(requireWellFormed(), requireHost(LOOPBACK_HOSTS)),
    );
  }
  // Signing in comes before the guard, which asks for what one gets by it.
  addDashboard(router, { opossum, access, limits });
  router.use(
    "/admin/*",
    access.guard,
    limitReads(),
    refuseOtherMethods(router),
    refuseUnacceptable(find),
    limitTriggers(limits, find),
    auditRequests({
      audit: opossum.audit,
      find,
      clientAddress,
      logger,
      readOnly: opossum.options.readOnly,
    }),
  );
  addRebuildRoutes(router, opossum, rebuildWaitMs);
  addProjectionRoutes(router, opossum);
  addFaultRoutes(router, opossum);
  addKeyRoutes(router, opossum, rebuildWaitMs);
  addGenerationRoutes(router, opossum);
  addOperationRoutes(router, opossum);
  addScheduleRoutes(router, opossum);
  addScrubRoutes(router, opossum, rebuildWaitMs);
  addEventRoutes(router, opossum);
  addAuditRoutes(router, opossum);
  addGuardedDashboard(router, opossum, principalOf);
  // Mounted elsewhere, the other router's own 404 would not be a problem document.
  router.all("/admin/*", createNotFoundHandler(router));
  return router;
}
