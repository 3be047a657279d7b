/**
 * The routes that rebuild single documents of a projection.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum, RebuiltKeys } from "../mod.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery, ProjectionName } from "./schemas.ts";
import { ADMIN_SECURITY, PROJECTIONS_TAG } from "./sections.ts";

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

const RebuiltKeysBody: z.ZodType<RebuiltKeys> = z.object({
  projectionName: z.string(),
  checkpoint: z.int().nonnegative().openapi({
    description: "The documents are as the log up to this position says",
  }),
  eventsScanned: z.int().nonnegative(),
  keys: z.array(
    z.object({
      key: z.string(),
      change: z.enum(["unchanged", "changed", "added", "removed"]),
    }).openapi("RebuiltKey"),
  ),
}).openapi("RebuiltKeys");

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

const keyRoute = createRoute({
  method: "post",
  path: "/admin/projections/{projectionName}/keys/{key}/rebuild",
  operationId: "rebuildKey",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Rebuild one document",
  description: `Rebuilds the document of a key. ${RULES}`,
  request: {
    params: z.object({ projectionName: ProjectionName, key: DocumentKey }),
    query: NoQuery,
  },
  responses: {
    200: jsonResponse("What became of it", RebuiltKeysBody, example),
    ...problemResponses(400, 401, 403, 404, 409, 500, 503),
  },
});

const repairRoute = createRoute({
  method: "post",
  path: "/admin/projections/{projectionName}/repair",
  operationId: "repairProjection",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Repair the documents that are missing or damaged",
  description:
    `Looks at every document and every event, and rebuilds the documents that are
missing, damaged or foreign, at most 10,000. A projection that was found to be damaged serves again,
if nothing else is wrong with it. While it goes on, the projection tells how far it is: \`repair\` of
\`GET /admin/projections/{projectionName}\`, and of the events. No more repairs go on at once than
rebuilds may. ${RULES}`,
  request: {
    params: z.object({ projectionName: ProjectionName }),
    query: NoQuery,
  },
  responses: {
    200: jsonResponse(
      "What became of the documents that were looked at",
      RebuiltKeysBody,
      example,
    ),
    ...problemResponses(400, 401, 403, 404, 409, 500, 503),
  },
});

/**
 * Adds the routes that rebuild single documents. A client that goes away cancels nothing.
 *
 * @param router Where to add them.
 * @param opossum The store whose documents they rebuild.
 */
export function addKeyRoutes(
  router: OpenAPIHono,
  { rebuilder }: Opossum,
): void {
  router.openapi(keyRoute, async (context) => {
    const { projectionName, key } = context.req.valid("param");
    const rebuilt = await rebuilder.rebuildKeys(projectionName, [key]);
    return context.json(rebuilt, 200);
  });

  router.openapi(repairRoute, async (context) => {
    const { projectionName } = context.req.valid("param");
    return context.json(await rebuilder.repair(projectionName), 200);
  });
}
