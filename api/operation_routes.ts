/**
 * The routes that follow and cancel rebuild operations.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { etag } from "hono/etag";
import type { Opossum, RebuildOperation } from "../mod.ts";
import { operationExample } from "./examples.ts";
import { ProblemError } from "./problem.ts";
import { announceOperation } from "./rebuild_wait.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery, Operation, OperationId } from "./schemas.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG } from "./sections.ts";

const OperationParams = z.object({ operationId: OperationId });

const listRoute = createRoute({
  method: "get",
  path: "/admin/operations",
  operationId: "listOperations",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "List rebuild operations",
  description: "Returns the newest operations first, running and ended, also " +
    "those of earlier processes.",
  request: {
    query: z.strictObject({
      limit: z.string().regex(/^([1-9]\d{0,2}|1000)$/, {
        error: "must be an integer from 1 to 1000",
      }).optional().openapi({
        type: "integer",
        minimum: 1,
        maximum: 1_000,
        default: 50,
        description: "At most this many operations",
      }),
    }),
  },
  responses: {
    200: jsonResponse(
      "The operations",
      z.object({ operations: z.array(Operation) }).openapi("OperationList"),
      { operations: [operationExample] },
    ),
    ...problemResponses(400, 401, 500),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/admin/operations/{operationId}",
  operationId: "getOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Follow a rebuild operation",
  description: "Returns an operation, running or ended. That its rebuild " +
    "failed stands in the body: the status is 200 all the same.",
  request: { params: OperationParams, query: NoQuery },
  middleware: [etag()],
  responses: {
    200: jsonResponse("The operation", Operation, operationExample),
    ...problemResponses(400, 401, 404, 500),
  },
});

const cancelRoute = createRoute({
  method: "delete",
  path: "/admin/operations/{operationId}",
  operationId: "cancelOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Cancel a rebuild operation",
  description:
    "Projections that it has rebuilt already stay; the others keep " +
    "their old documents. Cancelling twice is no error.",
  request: { params: OperationParams, query: NoQuery },
  responses: {
    202: jsonResponse("It is being cancelled", Operation, {
      ...operationExample,
      state: "cancelled",
    }),
    ...problemResponses(400, 401, 403, 404, 409, 500),
  },
});

/**
 * Adds the routes about operations.
 *
 * @param router Where to add them.
 * @param opossum The store whose operations they show.
 */
export function addOperationRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
): void {
  const { rebuilder } = opossum;

  router.openapi(listRoute, async (context) => {
    const { limit } = context.req.valid("query");
    const operations = await rebuilder.listOperations(
      limit === undefined ? {} : { limit: Number(limit) },
    );
    return context.json({ operations: [...operations] }, 200);
  });

  router.openapi(getRoute, async (context) => {
    const operation = await findOperation(
      opossum,
      context.req.valid("param").operationId,
    );
    if (operation.result === null) {
      announceOperation(context, operation, opossum);
    }
    return context.json(operation, 200);
  });

  router.openapi(cancelRoute, async (context) => {
    const { operationId } = context.req.valid("param");
    await rebuilder.cancel(operationId);
    const operation = await findOperation(opossum, operationId);
    // It may have succeeded while it was being cancelled: what became of it counts.
    if (operation.result !== null && operation.state !== "cancelled") {
      throw new ProblemError({
        kind: "operation-ended",
        status: 409,
        title: "Operation ended",
        detail: `The operation cannot be cancelled as it has ended: ` +
          operation.state,
        extensions: { state: operation.state },
      });
    }
    return context.json(operation, 202);
  });
}

async function findOperation(
  { rebuilder }: Opossum,
  id: string,
): Promise<RebuildOperation> {
  const operation = await rebuilder.getOperation(id);
  if (operation !== undefined) return operation;
  throw new ProblemError({
    kind: "unknown-operation",
    status: 404,
    title: "Unknown operation",
    detail: "No operation of that id is known: GET /admin/operations lists " +
      "those that are",
  });
}
