/**
 * The routes that say how the projections stand.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum } from "../mod.ts";
import {
  checkpointsExample,
  detailsExample,
  infoExample,
  planExample,
  statusExample,
} from "./examples.ts";
import { principalOf } from "./principal.ts";
import {
  namedProjections,
  PlanQuery,
  rebuildOptionsOf,
} from "./rebuild_request.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import {
  Checkpoints,
  Details,
  Info,
  NoQuery,
  Plan,
  ProjectionName,
  RebuildStatus,
} from "./schemas.ts";
import { visibleTo } from "./samples.ts";
import { ADMIN_SECURITY, PROJECTIONS_TAG } from "./sections.ts";

const statusRoute = createRoute({
  method: "get",
  path: "/admin/projections/status",
  operationId: "getRebuildStatus",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get projection rebuild status",
  description: `Returns the current status of projection rebuilding.

Use this endpoint to monitor long-running rebuild operations: what runs, what waits, how far each
is, when all will be done, and what came of the last operation.`,
  request: { query: NoQuery },
  responses: {
    200: jsonResponse("The status", RebuildStatus, statusExample),
    ...problemResponses(400, 401, 500),
  },
});

const checkpointsRoute = createRoute({
  method: "get",
  path: "/admin/projections/checkpoints",
  operationId: "getProjectionCheckpoints",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get all projection checkpoints",
  description: `Returns the last processed event position for each projection.

A checkpoint of 0 indicates the projection has never been built.`,
  request: { query: NoQuery },
  responses: {
    200: jsonResponse("The checkpoints", Checkpoints, checkpointsExample),
    ...problemResponses(400, 401, 500),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/admin/projections",
  operationId: "listProjections",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "List the projections",
  description: "Returns how each registered projection stands: state, " +
    "generation, checkpoint, lag, size, and why it stands still if it does.",
  request: { query: NoQuery },
  responses: {
    200: jsonResponse(
      "The projections, sorted by name",
      z.object({ projections: z.array(Info) }).openapi("ProjectionList"),
      { projections: [infoExample] },
    ),
    ...problemResponses(400, 401, 500),
  },
});

const infoRoute = createRoute({
  method: "get",
  path: "/admin/projections/{projectionName}",
  operationId: "getProjection",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get one projection",
  description: "Returns how one projection stands, and its generations: the " +
    "one that serves, the one before it, and one under construction.",
  request: {
    params: z.object({ projectionName: ProjectionName }),
    query: NoQuery,
  },
  responses: {
    200: jsonResponse("The projection", Details, detailsExample),
    ...problemResponses(400, 401, 404, 500, 503),
  },
});

const planRoute = createRoute({
  method: "get",
  path: "/admin/plan",
  operationId: "planRebuild",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Plan a rebuild (dry run)",
  description:
    `Returns what \`POST /admin/projections/rebuild\` with the same parameters would do
now, and why, how long and how much room on the disk that would take, without doing it. The same as
\`dryRun=true\` there.`,
  request: { query: PlanQuery },
  responses: {
    200: jsonResponse(
      "The plan",
      Plan,
      planExample,
    ),
    ...problemResponses(400, 401, 404, 500),
  },
});

/**
 * Adds the routes that say how the projections stand.
 *
 * @param router Where to add them.
 * @param opossum The store whose projections they describe.
 */
export function addProjectionRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
): void {
  const { projections, rebuilder } = opossum;

  router.openapi(
    statusRoute,
    async (context) => {
      const status = await rebuilder.getRebuildStatus();
      return context.json(visibleTo(principalOf(context), status), 200);
    },
  );

  router.openapi(checkpointsRoute, async (context) => {
    const names = rebuilder.getRegisteredProjections();
    const checkpoints = await Promise.all(
      names.map(async (name) =>
        [name, await rebuilder.getCheckpoint(name)] as const
      ),
    );
    return context.json(Object.fromEntries(checkpoints), 200);
  });

  router.openapi(listRoute, async (context) => {
    const infos = await Promise.all(
      projections.names.map((name) => projections.info(name)),
    );
    const told = visibleTo(principalOf(context), infos);
    return context.json({ projections: told }, 200);
  });

  router.openapi(infoRoute, async (context) => {
    const { projectionName } = context.req.valid("param");
    const info = await projections.info(projectionName);
    const generations = await projections.generations(projectionName);
    const details = { ...info, generations: [...generations] };
    return context.json(visibleTo(principalOf(context), details), 200);
  });

  router.openapi(planRoute, async (context) => {
    const query = context.req.valid("query");
    const { names, forceRebuild } = namedProjections({}, query);
    const { concurrency } = rebuildOptionsOf({}, query, opossum);
    const plan = await rebuilder.estimate(names, {
      forceRebuild,
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    return context.json(plan, 200);
  });
}
