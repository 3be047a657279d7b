/**
 * The whole HTTP application: admin API, health checks, docs page, and the application's own
 * routes beside them.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { type AdminRouterOptions, createAdminRouter } from "./admin_router.ts";
import { requireAuth } from "./auth.ts";
import { addDocs, type DocumentInfo } from "./docs.ts";
import { requestIds, securityHeaders } from "./headers.ts";
import { addHealthRoutes } from "./health_routes.ts";
import { LOOPBACK_HOSTS, requireHost } from "./hosts.ts";
import { createNotFoundHandler } from "./methods.ts";
import { createErrorHandler, type ProblemMapper } from "./problem.ts";
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
   * Host names that the server answers to, without ports. @default {any when tokens are needed,
   * else the names of the loopback interface}
   */
  readonly allowedHosts?: readonly string[];
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
    allowedHosts = "allowUnauthenticated" in auth ? LOOPBACK_HOSTS : undefined,
  } = options;
  const app = new OpenAPIHono({ defaultHook: validationHook });
  const { logger } = opossum.options;
  app.onError(createErrorHandler({ logger, toProblem }));
  app.notFound(createNotFoundHandler(app));
  app.use(traceRequests(), requestIds(), securityHeaders());
  if (allowedHosts !== undefined) app.use(requireHost(allowedHosts));

  app.route("/", createAdminRouter(options));
  addHealthRoutes(app, {
    opossum,
    metrics,
    metricsGuard: openMetrics ? (_context, next) => next() : requireAuth(auth),
  });
  for (const router of routers) app.route("/", router);
  addDocs(app, info);
  return app;
}
