/**
 * The routes that rebuild projections.
 *
 * Which one to use: `POST /admin/projections/rebuild` after a deployment or a disaster, since it
 * rebuilds what needs it and nothing else; `POST /admin/projections/{projectionName}/rebuild`
 * after a fix of one projection. Readers notice neither: the old documents are served until the
 * new ones are complete. Both cost CPU and disk for as long as they run, and both wait for the
 * end for as long as the server is set to, unless the caller prefers otherwise.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
  type Opossum,
  type RebuildOptions,
  type StartOptions,
  StoreReadOnlyError,
} from "../mod.ts";
import { detailExample, operationExample, resultExample } from "./examples.ts";
import { IdempotencyKeyHeader, idempotencyKeyOf } from "./idempotency_key.ts";
import { strictJson } from "./json_body.ts";
import {
  namedProjections,
  RebuildAllQuery,
  RebuildAllRequest,
  rebuildOptionsOf,
  RebuildQuery,
  RebuildRequest,
} from "./rebuild_request.ts";
import { awaitOutcome, type RebuildOutcome } from "./rebuild_wait.ts";
import { principalOf } from "./principal.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import {
  Operation,
  Plan,
  ProjectionName,
  RebuildResult,
  SingleRebuild,
} from "./schemas.ts";
import { ADMIN_SECURITY, PROJECTIONS_TAG } from "./sections.ts";

const waiting = (seconds: number) => `
The answer comes when the rebuild has ended. What takes longer than ${seconds} seconds is answered with
202 and the operation to follow, as is what only an operator lets go on; \`Prefer: wait=N\` waits N seconds (up to 600), and
\`Prefer: respond-async\` not at all. With \`dryRun=true\` nothing is started: the answer is the plan, as of
\`GET /admin/plan\`. A request with an \`Idempotency-Key\` can be repeated: it is answered with the
operation of the first one. Neither a timeout nor a client that disconnects cancels the
rebuild: \`DELETE /admin/operations/{operationId}\` does.

\`verify=true\` compares the new documents with those that serve, both at the same position, and
reports how many differ, with samples. \`promote=manual\` builds aside and waits for
\`POST /admin/operations/{operationId}/promote\`, also over restarts; such a request is answered
with 202 at once.`;

/** What both routes may be answered with instead. */
const problems = problemResponses(
  400,
  401,
  403,
  404,
  409,
  413,
  415,
  422,
  500,
  503,
  507,
);

const accepted = {
  ...jsonResponse(
    "The rebuild goes on: follow `Location`, again after `Retry-After` seconds",
    Operation,
    operationExample,
  ),
  headers: z.object({
    "Location": z.string().openapi({
      description: "Path of the operation",
      example: `/admin/operations/${operationExample.id}`,
    }),
    "Retry-After": z.string().openapi({
      description: "Seconds until it is worth looking again",
      example: "5",
    }),
  }),
};

const RequestHeaders = z.object({
  prefer: z.string().optional().openapi({
    description: "`respond-async`, `wait=N` with N in seconds, or both",
  }),
  "idempotency-key": IdempotencyKeyHeader,
});

/** Optional; the docs page proposes an empty one, so that its button does what the path says. */
function jsonBody<Body>(schema: z.ZodType<Body>): {
  readonly content: {
    readonly "application/json": {
      readonly schema: z.ZodType<Body>;
      readonly example: Record<never, never>;
    };
  };
} {
  return { content: { "application/json": { schema, example: {} } } };
}

const rebuildAllRoute = (waitSeconds: number) =>
  createRoute({
    method: "post",
    path: "/admin/projections/rebuild",
    operationId: "rebuildAllProjections",
    tags: [PROJECTIONS_TAG],
    security: ADMIN_SECURITY,
    summary: "Rebuild all projections",
    description: `Rebuilds all registered projections from the event store.

WARNING: This operation can take several minutes depending on the number of events.

Use Cases:
- Disaster recovery (lost projection files)
- Adding new projection types in production
- Testing/development environment resets

Query Parameters:
- forceAll: If true, rebuilds ALL projections (even with valid checkpoints).
  If false, only rebuilds projections that are missing, stale, damaged or faulted.

Production Usage:
1. Monitor application logs during rebuild
2. Check /admin/projections/status for progress
3. Verify rebuild completed successfully before promoting deployment

With \`projectionNames\`, rebuilds exactly these, in one operation. Names, \`note\`,
\`concurrency\` and \`priority\` may stand in the body or in the query.
${waiting(waitSeconds)}`,
    request: {
      query: RebuildAllQuery,
      headers: RequestHeaders,
      body: jsonBody(RebuildAllRequest),
    },
    middleware: [strictJson()],
    responses: {
      200: jsonResponse(
        "Every projection that needed it was rebuilt; with `dryRun`, the plan",
        z.union([RebuildResult, Plan]),
        resultExample,
      ),
      202: accepted,
      ...problems,
    },
  });

const rebuildOneRoute = (waitSeconds: number) =>
  createRoute({
    method: "post",
    path: "/admin/projections/{projectionName}/rebuild",
    operationId: "rebuildProjection",
    tags: [PROJECTIONS_TAG],
    security: ADMIN_SECURITY,
    summary: "Rebuild a specific projection",
    description: `Rebuilds a single projection from the event store.

Use Cases:
- Fix buggy projection logic (deploy fix, then rebuild)
- Recover corrupted projection data
- Test projection changes in development

Example: \`POST /admin/projections/CourseDetails/rebuild\`

Answers 409 with the running operation when the projection is being rebuilt already.
${waiting(waitSeconds)}`,
    request: {
      params: z.object({ projectionName: ProjectionName }),
      query: RebuildQuery,
      headers: RequestHeaders,
      body: jsonBody(RebuildRequest),
    },
    middleware: [strictJson()],
    responses: {
      200: jsonResponse(
        "The projection was rebuilt; with `dryRun`, the plan",
        z.union([SingleRebuild, Plan]),
        {
          ...detailExample,
          status: "Rebuilt",
          operationId: resultExample.operationId,
        },
      ),
      202: accepted,
      ...problems,
    },
  });

/**
 * Adds the routes that rebuild.
 *
 * @param router Where to add them.
 * @param opossum The store whose projections they rebuild.
 * @param waitMsDefault How long they wait for the end unless told, in milliseconds.
 */
export function addRebuildRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
  waitMsDefault: number,
): void {
  const { rebuilder } = opossum;

  const rebuild = async (
    context: Context,
    names: readonly string[] | undefined,
    options: StartOptions,
  ): Promise<RebuildOutcome> => {
    assertWritable(opossum);
    const operation = await rebuilder.start(names, {
      ...options,
      requestedBy: principalOf(context).id,
      ...idempotencyKeyOf(context.req.header("idempotency-key")),
    });
    // Unless told to wait, nobody waits for an operator.
    const waitMs = options.promote === "manual" ? 0 : waitMsDefault;
    return await awaitOutcome(context, opossum, operation, waitMs);
  };

  const waitSeconds = waitMsDefault / 1_000;
  router.openapi(rebuildAllRoute(waitSeconds), async (context) => {
    const query = context.req.valid("query");
    const body = context.req.valid("json");
    const { names, forceRebuild } = namedProjections(body, query);
    const options = rebuildOptionsOf(body, query, opossum);
    if (query.dryRun === "true") {
      const plan = { ...onlyConcurrency(options), forceRebuild };
      return context.json(await rebuilder.estimate(names, plan), 200);
    }
    const outcome = await rebuild(context, names, {
      ...options,
      ...(names === undefined ? { forceRebuild } : {}),
    });
    return outcome.isDone
      ? context.json(outcome.result, 200)
      : context.json(outcome.operation, 202);
  });

  router.openapi(rebuildOneRoute(waitSeconds), async (context) => {
    const { projectionName } = context.req.valid("param");
    const query = context.req.valid("query");
    const options = rebuildOptionsOf(
      context.req.valid("json"),
      query,
      opossum,
    );
    if (query.dryRun === "true") {
      const plan = onlyConcurrency(options);
      return context.json(
        await rebuilder.estimate([projectionName], plan),
        200,
      );
    }
    const outcome = await rebuild(context, [projectionName], {
      ...options,
      whenRunning: "reject",
    });
    if (!outcome.isDone) return context.json(outcome.operation, 202);
    const { operationId, details: [detail] } = outcome.result;
    if (detail === undefined) {
      throw new TypeError(
        `Operation ${operationId} succeeded without a detail of "${projectionName}"`,
      );
    }
    const status = "Rebuilt" as const;
    return context.json({ ...detail, status, operationId }, 200);
  });
}

/** What of the options a plan depends on. */
function onlyConcurrency(
  { concurrency }: RebuildOptions,
): Pick<RebuildOptions, "concurrency"> {
  return concurrency === undefined ? {} : { concurrency };
}

/** Whoever administers a store that takes no events has something else to repair first. */
function assertWritable({ appendHealth: { state, cause } }: Opossum): void {
  if (state !== "refused" || !cause) return;
  throw new StoreReadOnlyError({ cause }, "rebuild");
}
