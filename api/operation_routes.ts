/**
 * The routes that follow rebuild operations, and cancel, pause and resume them.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { etag } from "hono/etag";
import type { Opossum, RebuildOperation } from "../mod.ts";
import { operationExample } from "./examples.ts";
import { findOperation } from "./find_operation.ts";
import { pageLimit } from "./paging.ts";
import { refusedOrder } from "./operation_refusal.ts";
import { principalOf } from "./principal.ts";
import { ProblemError } from "./problem.ts";
import { announceOperation } from "./rebuild_wait.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery, Operation, OperationId, State } from "./schemas.ts";
import { visibleTo } from "./samples.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG } from "./sections.ts";

const OperationParams = z.object({ operationId: OperationId });

const listRoute = createRoute({
  method: "get",
  path: "/admin/operations",
  operationId: "listOperations",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "List rebuild operations",
  description:
    `Returns the newest operations first, running and ended, also those of earlier
processes. \`next\` is what to pass as \`before\` for the page after, or null on the last one.`,
  request: {
    query: z.strictObject({
      limit: pageLimit("operations"),
      before: OperationId.optional().openapi({
        description: "Only those asked for before this one",
      }),
      state: State.optional().openapi({
        description: "Only those in this state",
      }),
    }),
  },
  responses: {
    200: jsonResponse(
      "The operations",
      z.object({
        operations: z.array(Operation),
        next: z.string().nullable(),
      }).openapi("OperationList"),
      { operations: [operationExample], next: operationExample.id },
    ),
    ...problemResponses(400, 401, 404, 500),
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

const orderRequest = { params: OperationParams, query: NoQuery };
const orderProblems = problemResponses(400, 401, 403, 404, 409, 500, 503);

const cancelResponses = {
  202: jsonResponse("It is cancelled", Operation, {
    ...operationExample,
    state: "cancelled",
  }),
  ...orderProblems,
};

const CANCEL =
  "Projections that it has rebuilt already stay; the others keep " +
  "their old documents. Cancelling twice is no error.";

const deleteRoute = createRoute({
  method: "delete",
  path: "/admin/operations/{operationId}",
  operationId: "cancelOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Cancel a rebuild operation",
  description: `${CANCEL} The same as \`POST …/cancel\`.`,
  request: orderRequest,
  responses: cancelResponses,
});

const cancelRoute = createRoute({
  method: "post",
  path: "/admin/operations/{operationId}/cancel",
  operationId: "cancelOperationByPost",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Cancel a rebuild operation",
  description: `${CANCEL} Operations that are paused can be cancelled as well.`,
  request: orderRequest,
  responses: cancelResponses,
});

const pauseRoute = createRoute({
  method: "post",
  path: "/admin/operations/{operationId}/pause",
  operationId: "pauseOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Pause a rebuild operation",
  description:
    `What it builds stops within a moment, keeps what it has, and goes on after
\`POST …/resume\`. The order is durable: the operation is paused after a restart as well, also of a
server that was killed, and rebuilds at start-up leave its projections alone. Pausing twice is no
error. A projection that is just being swapped in is not held up any more.`,
  request: orderRequest,
  responses: {
    202: jsonResponse("It is paused", Operation, {
      ...operationExample,
      state: "paused",
      pausedAt: operationExample.startedAt,
    }),
    ...orderProblems,
  },
});

const resumeRoute = createRoute({
  method: "post",
  path: "/admin/operations/{operationId}/resume",
  operationId: "resumeOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Resume a paused rebuild operation",
  description: "It goes on where it stood. Resuming twice is no error.",
  request: orderRequest,
  responses: {
    202: jsonResponse("It goes on", Operation, operationExample),
    ...orderProblems,
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
    const { limit, before, state } = context.req.valid("query");
    const filter = state === undefined ? {} : { state };
    const operations = await rebuilder.listOperations({
      ...filter,
      ...(limit === undefined ? {} : { limit: Number(limit) }),
      ...(before === undefined ? {} : { before }),
    });
    const last = operations.at(-1)?.id;
    // Whether there is a next page, only the history knows.
    const rest = last === undefined
      ? []
      : await rebuilder.listOperations({ ...filter, before: last, limit: 1 });
    const next = rest.length > 0 ? last ?? null : null;
    const told = visibleTo(principalOf(context), [...operations]);
    return context.json({ operations: told, next }, 200);
  });

  router.openapi(getRoute, async (context) => {
    const operation = await findOperation(
      opossum,
      context.req.valid("param").operationId,
    );
    if (operation.result === null) {
      announceOperation(context, operation, opossum);
    }
    return context.json(visibleTo(principalOf(context), operation), 200);
  });

  const act = async (
    id: string,
    action: "cancel" | "pause" | "resume",
  ): Promise<RebuildOperation> => {
    const isDone = await rebuilder[action](id);
    const operation = await findOperation(opossum, id);
    // It may have ended while it was being cancelled or paused: what became of it counts.
    const isOpen = isDone && (action === "resume" || operation.result === null);
    const isAsWanted = isOpen ||
      (action === "cancel" && operation.state === "cancelled");
    if (isAsWanted) return operation;
    throw new ProblemError(refusedOrder(operation, action));
  };

  const orders = [
    [deleteRoute, "cancel"],
    [cancelRoute, "cancel"],
    [pauseRoute, "pause"],
    [resumeRoute, "resume"],
  ] as const;
  for (const [route, action] of orders) {
    router.openapi(route, async (context) => {
      const { operationId } = context.req.valid("param");
      return context.json(await act(operationId, action), 202);
    });
  }
}
