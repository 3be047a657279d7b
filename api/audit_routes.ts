/**
 * The route that lists who asked for what.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AuditPage, AuditRecord, Opossum } from "../mod.ts";
import { pageLimit } from "./paging.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { ADMIN_SECURITY, AUDIT_TAG } from "./sections.ts";

const Record: z.ZodType<AuditRecord> = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  requestId: z.string().nullable(),
  principal: z.string().openapi({
    description: "The id of the token, never the token",
  }),
  client: z.string().nullable(),
  action: z.string().openapi({ description: "The operationId of the route" }),
  target: z.string().nullable(),
  result: z.enum(["requested", "succeeded", "refused", "failed"]),
  status: z.int().nullable(),
  operation: z.string().nullable().openapi({
    description: "The rebuild operation that it led to",
  }),
}).openapi("AuditRecord");

const Page: z.ZodType<AuditPage> = z.object({
  records: z.array(Record),
  next: z.string().nullable().openapi({
    description: "What to pass as `before` for the next page",
  }),
}).openapi("AuditPage");

const example: AuditPage = {
  records: [{
    id: "001795478400000-0b5ad2f1-1",
    at: "2026-11-25T03:00:00.412Z",
    requestId: "7a0f0b1e-6f1c-4a5e-9d57-1f1f0c3b2a10",
    principal: "ada",
    client: "127.0.0.1",
    action: "rebuildProjection",
    target: "CourseDetails",
    result: "succeeded",
    status: 200,
    operation: "0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40",
  }],
  next: null,
};

const auditRoute = createRoute({
  method: "get",
  path: "/admin/audit",
  operationId: "listAuditRecords",
  tags: [AUDIT_TAG],
  security: ADMIN_SECURITY,
  summary: "List who asked for what",
  description:
    `Returns records of the requests that may have changed something, the newest first: one before
it was carried out ("requested"), one with what came of it. A request without the second was cut off
by the end of the process.`,
  request: {
    query: z.strictObject({
      limit: pageLimit("records"),
      before: z.string().regex(/^\d{15}-[0-9a-f]{8}-\d{1,9}$/, {
        error: "must be the id of a record",
      }).optional().openapi({
        description: "Only records older than the one of this id",
        example: "001795478400000-0b5ad2f1-1",
      }),
    }),
  },
  responses: {
    200: jsonResponse("The records", Page, example),
    ...problemResponses(400, 401, 500),
  },
});

/**
 * Adds the route that lists who asked for what.
 *
 * @param router Where to add it.
 * @param opossum The store whose audit log it shows.
 */
export function addAuditRoutes(router: OpenAPIHono, opossum: Opossum): void {
  router.openapi(auditRoute, async (context) => {
    const { limit, before } = context.req.valid("query");
    const { records, next } = await opossum.audit.list({
      ...(limit === undefined ? {} : { limit: Number(limit) }),
      ...(before === undefined ? {} : { before }),
    });
    return context.json({ records: [...records], next }, 200);
  });
}
