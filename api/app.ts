/**
 * The whole HTTP application: admin API, health checks, docs page, and the application's own
 * routes beside them.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { type AdminRouterOptions, buildAdminRouter } from "./admin_router.ts";
import { createAccess } from "./auth.ts";
import { addDocs, type DocumentInfo } from "./docs.ts";
import { requestIds, securityHeaders } from "./headers.ts";
import { addHealthRoutes } from "./health_routes.ts";
import { LOOPBACK_HOSTS, requireHost, requireWellFormed } from "./hosts.ts";
import { provideLimits, resolveLimits } from "./limits.ts";
import { createNotFoundHandler } from "./methods.ts";
import { createErrorHandler, type ProblemMapper } from "./problem.ts";
import { logRequests } from "./request_log.ts";
import { traceRequests } from "./tracing.ts";
import { validationHook } from "./validation.ts";

/** What the application consists of. */
export interface AppOptions extends AdminRouterOptions {
  /** What the OpenAPI document says about the whole. @default {Opossum's name and no version} */
  readonly info?: DocumentInfo;
  /**
   * The application's own routers, mounted at the root. Their routes are in the document, their
   * errors become problems, and they need no token unless they ask for one: `requireAuth()`.
   * @default {none}
   */
  readonly routers?: readonly OpenAPIHono[];
  /** Turns the application's own errors into problems. @default {none} */
  readonly toProblem?: ProblemMapper;
  /**
   * Returns the metrics in Prometheus' text format, for `/metrics`; see `startTelemetry()` in
   * `./telemetry`. @default {none: `/metrics` says so}
   */
  readonly metrics?: () => Promise<string>;
  /**
   * Whether everybody may read `/metrics`, which names the projections; else it takes a token of
   * the admin API. @default {false}
   */
  readonly openMetrics?: boolean;
  /**
   * Host names that the server answers to, without ports; `"any"` for all. Others get 421, so that
   * no page whose name was made to point here can talk to it. @default {the names of the loopback
   * interface and, when tokens are needed, every IP address}
   */
  readonly allowedHosts?: readonly string[] | "any";
}

/**
 * Creates the application: the admin API under `/admin`, `/healthz`, `/readyz` and `/metrics`,
 * the document at `/openapi.json` and its page at `/docs`, and the application's own routes.
 *
 * @param options The store, who may administer it, and the application's own routes.
 * @returns The application, to be given to `serveApp()`.
 * @throws {TypeError | RangeError} If an option is unusable.
 *
 * @example
 * ```ts
 * import { openOpossum, silentLogger } from "@opossum/deno";
 * import { createApp } from "@opossum/deno/api";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempDir();
 * {
 *   await using opossum = await openOpossum({ path, logger: silentLogger });
 *   const app = createApp({ opossum, auth: { allowUnauthenticated: true } });
 *   assertEquals((await app.request("/healthz")).status, 200);
 * }
 * await Deno.remove(path, { recursive: true });
 * ```
 */
export function createApp(options: AppOptions): OpenAPIHono {
  const { opossum, auth, routers = [], toProblem, metrics } = options;
  const {
    info = { title: "Opossum", version: "0" },
    openMetrics = false,
    allowedHosts,
  } = options;
  const app = new OpenAPIHono({ defaultHook: validationHook });
  const { clock, logger } = opossum.options;
  const limits = resolveLimits(options.limits, clock);
  // One for all, so that wrong tokens are counted together.
  const access = createAccess(auth, limits, logger);
  app.onError(createErrorHandler({ logger, toProblem }));
  app.notFound(createNotFoundHandler(app));
  app.use(
    requestIds(),
    securityHeaders(),
    requireWellFormed(),
    traceRequests(),
    logRequests(logger, clock),
    provideLimits(limits),
  );
  if (allowedHosts !== "any") {
    app.use(requireHost(allowedHosts ?? LOOPBACK_HOSTS, {
      anyAddress: allowedHosts === undefined && "tokens" in auth,
    }));
  }

  app.route("/", buildAdminRouter(options, { limits, access }));
  addHealthRoutes(app, {
    opossum,
    metrics,
    metricsGuard: openMetrics ? undefined : access.guard,
  });
  for (const router of routers) app.route("/", router);
  addDocs(app, info, { isOpen: "allowUnauthenticated" in auth });
  return app;
}
