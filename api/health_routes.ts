/**
 * The routes that monitoring asks: is the process up, can it serve, and its metrics.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type {
  AppendHealth,
  DaemonState,
  Opossum,
  ProjectionState,
} from "../mod.ts";
import type { MiddlewareHandler } from "hono";
import { ProblemError } from "./problem.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery } from "./schemas.ts";
import { ADMIN_SECURITY, HEALTH_TAG } from "./sections.ts";

/** What the health routes need. */
export interface HealthOptions {
  /** The store whose health is asked for. */
  readonly opossum: Opossum;
  /** Returns the metrics in Prometheus' text format. @default {none are kept} */
  readonly metrics?: (() => Promise<string>) | undefined;
  /** Decides who may read the metrics; `undefined` when everybody may. */
  readonly metricsGuard: MiddlewareHandler | undefined;
}

/** The text format that every version of Prometheus reads. */
const PROMETHEUS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What readiness consists of. */
interface Readiness {
  /** Whether the log could be read. */
  readonly store: "readable" | "unreadable";
  /** Where the daemon stands. */
  readonly daemon: DaemonState;
  /** Whether events can be appended, and what keeps them from it. */
  readonly appends: {
    /** How the last append went, or whether none is tried any more. */
    readonly state: AppendHealth["state"];
    /** The class of the error, such as `"AppendOutcomeUnknownError"`. */
    readonly error: string | null;
    /** The system's code, such as `"ENOSPC"`, where there is one. */
    readonly code: string | null;
  };
  /** Number of projections by state. */
  readonly projections: Readonly<Partial<Record<ProjectionState, number>>>;
}

const ReadinessSchema: z.ZodType<Readiness> = z.object({
  store: z.enum(["readable", "unreadable"]),
  appends: z.object({
    state: z.enum(["accepted", "failing", "refused"]),
    error: z.string().nullable(),
    code: z.string().nullable(),
  }),
  daemon: z.enum(["stopped", "starting", "running", "stopping"]),
  projections: z.partialRecord(
    z.enum(["absent", "building", "ready", "stale", "faulted", "damaged"]),
    z.int().nonnegative(),
  ),
}).openapi("Readiness");

const ReadyQuery = z.strictObject({
  for: z.enum(["reads", "writes"]).optional().openapi({
    description: "What it must be able to do. Default: writes, and so reads.",
  }),
});

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  tags: [HEALTH_TAG],
  summary: "Is the process up?",
  description: "Answers 200 as long as the process answers at all.",
  request: { query: NoQuery },
  responses: {
    200: jsonResponse(
      "It is up",
      z.object({ status: z.literal("up") }).openapi("Health"),
      { status: "up" },
    ),
    ...problemResponses(400),
  },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  operationId: "getReadiness",
  tags: [HEALTH_TAG],
  summary: "Can it serve?",
  description:
    "Answers 200 when the log can be read and appended to, and the " +
    "daemon keeps the projections up to date. Answers 503 once appends are " +
    "refused until a restart, as after a failed sync or damage; " +
    "`?for=reads` answers 200 even then, for what only reads. On a full " +
    "disk, `appends.state` is `failing` and the answer is still 200: they are " +
    "tried again, and it takes one that goes well to know that there is room. " +
    "While the daemon starts, answers 503 as " +
    "long as a projection cannot be read yet; rebuilds of projections that " +
    "still serve their old documents do not count.",
  request: { query: ReadyQuery },
  responses: {
    200: jsonResponse("It can", ReadinessSchema, {
      store: "readable",
      appends: { state: "accepted", error: null, code: null },
      daemon: "running",
      projections: { ready: 4 },
    }),
    ...problemResponses(400, 503),
  },
});

const metricsRoute = (isGuarded: boolean) =>
  createRoute({
    method: "get",
    path: "/metrics",
    operationId: "getMetrics",
    tags: [HEALTH_TAG],
    ...isGuarded ? { security: ADMIN_SECURITY } : {},
    summary: "Metrics in Prometheus' text format",
    description: isGuarded
      ? "Needs the token of the admin API, as metrics name the projections."
      : "Everybody may read them here.",
    request: { query: NoQuery },
    responses: {
      200: {
        description: "The metrics",
        content: {
          "text/plain": {
            schema: z.string(),
            example: "# TYPE opossum_projection_lag gauge\n" +
              'opossum_projection_lag{opossum_projection_name="CourseDetails"} 0\n',
          },
        },
      },
      ...problemResponses(400, 404, 500),
      ...isGuarded ? problemResponses(401) : {},
    },
  });

/**
 * Adds `/healthz`, `/readyz` and `/metrics`.
 *
 * @param router Where to add them.
 * @param options The store, and where the metrics come from.
 */
export function addHealthRoutes(
  router: OpenAPIHono,
  { opossum, metrics, metricsGuard }: HealthOptions,
): void {
  router.openapi(
    healthRoute,
    (context) => context.json({ status: "up" as const }, 200),
  );

  router.openapi(readyRoute, async (context) => {
    const readiness = await examine(opossum);
    const { for: purpose = "writes" } = context.req.valid("query");
    const { startDaemon, readOnly } = opossum.options;
    const reason = reasonNotToServe(readiness, startDaemon) ??
      (purpose === "reads" || readOnly
        ? undefined
        : reasonNotToWrite(readiness));
    if (reason === undefined) return context.json(readiness, 200);
    throw new ProblemError({
      kind: "not-ready",
      status: 503,
      title: "Not ready",
      detail: reason,
      extensions: { readiness },
      headers: { "Retry-After": "1" },
    });
  });

  if (metricsGuard) router.use("/metrics", metricsGuard);
  router.openapi(metricsRoute(metricsGuard !== undefined), async (context) => {
    if (metrics === undefined) {
      throw new ProblemError({
        kind: "no-metrics",
        status: 404,
        title: "No metrics",
        detail: "This server keeps no metrics: start it with telemetry",
      });
    }
    const text = await metrics();
    return context.text(text, 200, { "Content-Type": PROMETHEUS_MEDIA_TYPE });
  });
}

async function examine(
  { events, daemon, projections, appendHealth }: Opossum,
): Promise<Readiness> {
  // Damage shows as a refusal to read: that it cannot be read is the answer, not a failure.
  const store = await events.head().then(
    () => "readable" as const,
    () => "unreadable" as const,
  );
  const counts: Partial<Record<ProjectionState, number>> = {};
  for (const name of projections.names) {
    const { state } = await projections.info(name);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return {
    store,
    appends: summaryOf(appendHealth),
    daemon: daemon.state,
    projections: counts,
  };
}

/** Without its message, which names files. */
function summaryOf({ state, cause }: AppendHealth): Readiness["appends"] {
  return {
    state,
    error: cause?.name ?? null,
    code: codeOf(cause) ?? codeOf(cause?.cause) ?? null,
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error &&
      typeof error.code === "string"
    ? error.code
    : undefined;
}

function reasonNotToWrite({ appends }: Readiness): string | undefined {
  if (appends.state !== "refused") return undefined;
  return "Appends are refused until the disk or the log is repaired and the " +
    "server restarted: its log tells the cause. Reads go on, see '?for=reads'";
}

function reasonNotToServe(
  { store, daemon, projections }: Readiness,
  isDaemonExpected: boolean,
): string | undefined {
  if (store === "unreadable") {
    return "The event log cannot be read: its error is in the log of the server";
  }
  if (daemon === "stopping") return "The server is about to stop";
  if (daemon === "stopped" && isDaemonExpected) {
    return "The daemon does not run: projections are not kept up to date";
  }
  const { absent = 0, building = 0, damaged = 0 } = projections;
  const unreadable = absent + building + damaged;
  if (daemon === "starting" && unreadable > 0) {
    return `Projections are being built at start-up, not readable yet: ${unreadable}`;
  }
  return undefined;
}
