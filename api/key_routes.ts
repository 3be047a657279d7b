/**
 * The routes that rebuild single documents of a projection.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Opossum, ProjectionRepairProgress, RebuiltKeys } from "../mod.ts";
import { lastRepairExample } from "./examples.ts";
import { preferredWaitMs } from "./prefer.ts";
import { principalOf } from "./principal.ts";
import { Rebuilt, Repair, RepairsBody } from "./repair_schemas.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery, ProjectionName } from "./schemas.ts";
import { ADMIN_SECURITY, PROJECTIONS_TAG } from "./sections.ts";
import { within } from "./within.ts";

const KEY_BYTES_MAX = 1_024;

const DocumentKey: z.ZodType<string, string> = z.string().refine(
  (key) =>
    key !== "" && key.isWellFormed() && !key.includes("\0") &&
    new TextEncoder().encode(key).length <= KEY_BYTES_MAX,
  { error: `must be a text of 1 to ${KEY_BYTES_MAX} bytes without U+0000` },
).openapi({
  minLength: 1,
  maxLength: KEY_BYTES_MAX,
  description: 'The key of a document, percent-encoded, also its "/"',
  example: "course-17",
});

const example: RebuiltKeys = {
  projectionName: "CourseDetails",
  checkpoint: 1_523,
  eventsScanned: 1_523,
  keys: [{ key: "course-17", change: "changed" }],
};

const RULES = `Documents are folded anew from the log while the projection
serves, and those that are not what the log says are changed in one transaction. 409 when the
projection is being rebuilt, and when single documents are not enough and it must be rebuilt as a
whole (\`refusal\`: "notBuilt", "stale", "damaged", "tooManyKeys"), or when its code fails on an
event that was applied before; nothing is changed then.`;

const waiting = (seconds: number) => `
The answer waits for the end, for ${seconds} seconds unless \`Prefer\` says otherwise (\`wait=N\`, up to 600;
\`respond-async\`), and is 202 then: \`Location\` tells how far it is, and what came of it. A client that
goes away cancels nothing.`;

const progressExample: ProjectionRepairProgress = {
  projectionName: "CourseDetails",
  startedAt: lastRepairExample.startedAt,
  phase: "scanning",
  documentsChecked: 84,
  documents: 84,
  position: 1_000,
  target: 1_523,
  keys: 1,
  percent: 66,
  perSecond: 210_000,
};

const accepted = {
  ...jsonResponse(
    "It goes on: look at `Location`, again after `Retry-After` seconds",
    Repair,
    progressExample,
  ),
  headers: z.object({
    "Location": z.string().openapi({
      description: "Path of the projection's repairs",
      example: "/admin/projections/CourseDetails/repair",
    }),
    "Retry-After": z.string().openapi({
      description: "Seconds until it is worth looking again",
      example: "1",
    }),
  }),
};

const RequestHeaders = z.object({
  prefer: z.string().optional().openapi({
    description: "`respond-async`, `wait=N` with N in seconds, or both",
  }),
});

const REPAIR_PATH = "/admin/projections/{projectionName}/repair";

const keyRoute = (waitSeconds: number) =>
  createRoute({
    method: "post",
    path: "/admin/projections/{projectionName}/keys/{key}/rebuild",
    operationId: "rebuildKey",
    tags: [PROJECTIONS_TAG],
    security: ADMIN_SECURITY,
    summary: "Rebuild one document",
    description: `Rebuilds the document of a key. ${RULES}
${waiting(waitSeconds)}`,
    request: {
      params: z.object({ projectionName: ProjectionName, key: DocumentKey }),
      query: NoQuery,
      headers: RequestHeaders,
    },
    responses: {
      200: jsonResponse("What became of it", Rebuilt, example),
      202: accepted,
      ...problemResponses(400, 401, 403, 404, 409, 500, 503),
    },
  });

const repairRoute = (waitSeconds: number) =>
  createRoute({
    method: "post",
    path: REPAIR_PATH,
    operationId: "repairProjection",
    tags: [PROJECTIONS_TAG],
    security: ADMIN_SECURITY,
    summary: "Repair the documents that are missing or damaged",
    description:
      `Looks at every document and every event, and rebuilds the documents that are
missing, damaged or foreign, at most 10,000. A projection that was found to be damaged serves again,
if nothing else is wrong with it. While it goes on, the projection tells how far it is: \`repair\` of
\`GET /admin/projections/{projectionName}\`, and of the events; \`lastRepair\` tells what came of it. No
more repairs go on at once than rebuilds may. ${RULES}
${waiting(waitSeconds)}`,
    request: {
      params: z.object({ projectionName: ProjectionName }),
      query: NoQuery,
      headers: RequestHeaders,
    },
    responses: {
      200: jsonResponse(
        "What became of the documents that were looked at",
        Rebuilt,
        example,
      ),
      202: accepted,
      ...problemResponses(400, 401, 403, 404, 409, 500, 503),
    },
  });

const getRoute = createRoute({
  method: "get",
  path: REPAIR_PATH,
  operationId: "getRepair",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get how far a repair is, and what came of the last one",
  description:
    "Returns the repair under way, and the last one that has ended, with what became of " +
    "each document: of the server's process, as a repair that is cut short has changed nothing. " +
    "Rebuilds of single documents count.",
  request: {
    params: z.object({ projectionName: ProjectionName }),
    query: NoQuery,
  },
  responses: {
    200: jsonResponse("The repairs", RepairsBody, {
      running: null,
      last: lastRepairExample,
      rebuilt: example,
    }),
    ...problemResponses(400, 401, 404, 500),
  },
});

/**
 * Adds the routes that rebuild single documents. A client that goes away cancels nothing.
 *
 * @param router Where to add them.
 * @param opossum The store whose documents they rebuild.
 * @param waitMsDefault How long to wait when a request does not say, in milliseconds.
 */
export function addKeyRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
  waitMsDefault: number,
): void {
  const { rebuilder, projections, options } = opossum;
  const waitSeconds = waitMsDefault / 1_000;

  /** What a repair came to, or how far it is when that takes longer. */
  const outcomeOf = async (
    context: Context,
    name: string,
    repairing: Promise<RebuiltKeys>,
  ): Promise<RepairAnswer> => {
    const rebuilt = await within(repairing, {
      waitMs: preferredWaitMs(context, waitMsDefault),
      options,
      failed: "Repair failed",
    });
    if (rebuilt !== undefined) return { isDone: true, rebuilt };
    const { repair } = await projections.info(name);
    // It has ended while it was asked for.
    if (repair === null) return { isDone: true, rebuilt: await repairing };
    context.header("Location", REPAIR_PATH.replace("{projectionName}", name));
    context.header("Retry-After", "1");
    return { isDone: false, repair };
  };

  router.openapi(keyRoute(waitSeconds), async (context) => {
    const { projectionName: name, key } = context.req.valid("param");
    const repairing = rebuilder.rebuildKeys(name, [key]);
    const outcome = await outcomeOf(context, name, repairing);
    return outcome.isDone
      ? context.json(outcome.rebuilt, 200)
      : context.json(outcome.repair, 202);
  });

  router.openapi(repairRoute(waitSeconds), async (context) => {
    const { projectionName: name } = context.req.valid("param");
    const outcome = await outcomeOf(context, name, rebuilder.repair(name));
    return outcome.isDone
      ? context.json(outcome.rebuilt, 200)
      : context.json(outcome.repair, 202);
  });

  router.openapi(getRoute, async (context) => {
    const { projectionName: name } = context.req.valid("param");
    // Before the outcome: one that ends in between must not be lost.
    const { repair: running } = await projections.info(name);
    const { last = null, rebuilt = null } = await rebuilder.lastRepair(name) ??
      {};
    // Keys are data: who may only look is told how many there were.
    const isTold = principalOf(context).scopes.includes("operate");
    return context.json({
      running,
      last,
      rebuilt: isTold ? rebuilt : null,
    }, 200);
  });
}

type RepairAnswer =
  | { readonly isDone: true; readonly rebuilt: RebuiltKeys }
  | { readonly isDone: false; readonly repair: ProjectionRepairProgress };
