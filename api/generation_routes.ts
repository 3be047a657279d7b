/**
 * The routes about generations: going back to the one that served before, and swapping in one
 * that waits for an operator.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum } from "../mod.ts";
import { infoExample, operationExample } from "./examples.ts";
import { findOperation } from "./find_operation.ts";
import { refusedOrder } from "./operation_refusal.ts";
import { ProblemError } from "./problem.ts";
import { announceOperation } from "./rebuild_wait.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import {
  Info,
  NoQuery,
  Operation,
  OperationId,
  ProjectionName,
} from "./schemas.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG, PROJECTIONS_TAG } from "./sections.ts";

const rollbackRoute = createRoute({
  method: "post",
  path: "/admin/projections/{projectionName}/rollback",
  operationId: "rollbackProjection",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Serve the previous generation again",
  description:
    `Lets the generation serve that served before, atomically; the one that served
becomes the previous one, so that a second rollback goes forward again.

A generation of the registered definition is brought up to date at once. One of another version or
fingerprint is served as it is, state \`stale\`: its code is not there any more. No start and no
schedule undoes a rollback until another definition is registered; a rebuild by name or with
\`forceAll\` does.

With \`from\` it goes back only while that generation serves: say which one you saw, so that two who
press the same button do not undo each other's rollback.

409 \`no-previous-generation\` when there is none that could serve, \`rebuild-running\` when the
projection is being rebuilt, \`awaiting-promotion\` when a build of it waits to be promoted (promote
or cancel its operation first), \`generation-changed\` when another generation serves than \`from\`.`,
  request: {
    params: z.object({ projectionName: ProjectionName }),
    query: z.strictObject({
      from: z.string().regex(/^[1-9]\d{0,14}$/, {
        error: "must be the number of a generation",
      }).optional().openapi({
        description: "The generation that serves, as far as you know",
        type: "integer",
        minimum: 1,
        example: 7,
      }),
    }),
  },
  responses: {
    200: jsonResponse("The previous generation serves", Info, {
      ...infoExample,
      state: "stale",
      generation: 6,
      previousGeneration: 7,
      builtVersion: 1,
      rolledBackAt: "2026-01-15T11:00:00.000Z",
    }),
    ...problemResponses(400, 401, 403, 404, 409, 500, 503),
  },
});

const promoteRoute = createRoute({
  method: "post",
  path: "/admin/operations/{operationId}/promote",
  operationId: "promoteOperation",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Swap in what waits to be promoted",
  description:
    `Lets an operation go on that was started with \`promote=manual\`: what it built is
caught up with the log and swapped in. The answer comes once that is noted down durably; follow the
operation for the outcome. Promoting twice is no error.

409 \`not-awaiting-promotion\` as long as not all of its builds are complete, and for operations
that swap in by themselves; \`operation-elsewhere\` when another process has it: ask that one.
\`DELETE /admin/operations/{operationId}\` discards what waits.`,
  request: {
    params: z.object({ operationId: OperationId }),
    query: NoQuery,
  },
  responses: {
    202: jsonResponse("It is being swapped in", Operation, {
      ...operationExample,
      verify: true,
      promote: "manual",
      promotedAt: "2026-01-15T11:00:00.000Z",
    }),
    ...problemResponses(400, 401, 403, 404, 409, 500, 503),
  },
});

/**
 * Adds the routes about generations.
 *
 * @param router Where to add them.
 * @param opossum The store whose generations they change.
 */
export function addGenerationRoutes(
  router: OpenAPIHono,
  opossum: Opossum,
): void {
  const { projections, rebuilder } = opossum;

  router.openapi(rollbackRoute, async (context) => {
    const { projectionName } = context.req.valid("param");
    const { from } = context.req.valid("query");
    await rebuilder.rollback(
      projectionName,
      from === undefined ? {} : { from: Number(from) },
    );
    return context.json(await projections.info(projectionName), 200);
  });

  router.openapi(promoteRoute, async (context) => {
    const { operationId } = context.req.valid("param");
    const promoted = await rebuilder.promote(operationId);
    if (promoted !== undefined) {
      announceOperation(context, promoted, opossum);
      return context.json(promoted, 202);
    }
    const operation = await findOperation(opossum, operationId);
    throw new ProblemError(refusedOrder(operation, "promote"));
  });
}
