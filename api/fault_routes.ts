/**
 * The routes about events that a projection's code fails on: what was passed over, and how to go
 * on.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum } from "../mod.ts";
import { deadLetterExample, infoExample } from "./examples.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { Info, Letter, NoQuery, ProjectionName } from "./schemas.ts";
import { ADMIN_SECURITY, PROJECTIONS_TAG } from "./sections.ts";

const ProjectionParams = z.object({ projectionName: ProjectionName });

const SkipParams = z.object({
  projectionName: ProjectionName,
  position: z.string().regex(/^[1-9]\d{0,14}$/).openapi({
    description: "The position of the projection's fault",
    example: "1523",
  }),
});

const deadLettersRoute = createRoute({
  method: "get",
  path: "/admin/projections/{projectionName}/dead-letters",
  operationId: "listDeadLetters",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "List the events that a projection passed over",
  description:
    `Returns the events that the serving generation passed over, in order of position
and key: those that its code failed on, under the error policy "skip" or "quarantine", and those
that an operator ordered to be passed over. Under "quarantine" the documents of these keys are not
updated any more.`,
  request: { params: ProjectionParams, query: NoQuery },
  responses: {
    200: jsonResponse(
      "The events",
      z.object({ deadLetters: z.array(Letter) }).openapi("DeadLetterList"),
      { deadLetters: [deadLetterExample] },
    ),
    ...problemResponses(400, 401, 404, 500, 503),
  },
});

const retryRoute = createRoute({
  method: "post",
  path: "/admin/projections/{projectionName}/retry",
  operationId: "retryProjection",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Try a faulted projection again",
  description:
    `Tries the event that the projection stands still on again at once, without waiting
for its next retry: also one that is suspected to have ended a process, which is not tried again
otherwise.`,
  request: { params: ProjectionParams, query: NoQuery },
  responses: {
    202: jsonResponse("It is tried again", Info, infoExample),
    ...problemResponses(400, 401, 403, 404, 500),
  },
});

const skipRoute = createRoute({
  method: "post",
  path: "/admin/projections/{projectionName}/events/{position}/skip",
  operationId: "skipEvent",
  tags: [PROJECTIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Pass over the event that a projection stands still on",
  description:
    `Passes over the event, durably: now, and in every rebuild of the same definition.
When its version or fingerprint changes, the event is tried again. 409 when the projection does not
stand still on that event, or is being rebuilt.`,
  request: { params: SkipParams, query: NoQuery },
  responses: {
    202: jsonResponse("It is passed over", Info, infoExample),
    ...problemResponses(400, 401, 403, 404, 409, 500),
  },
});

/**
 * Adds the routes about events that a projection's code fails on.
 *
 * @param router Where to add them.
 * @param opossum The store whose projections they concern.
 */
export function addFaultRoutes(router: OpenAPIHono, opossum: Opossum): void {
  const { projections, daemon } = opossum;

  router.openapi(deadLettersRoute, async (context) => {
    const { projectionName } = context.req.valid("param");
    const deadLetters = await projections.deadLetters(projectionName);
    return context.json({ deadLetters: [...deadLetters] }, 200);
  });

  router.openapi(retryRoute, async (context) => {
    const { projectionName } = context.req.valid("param");
    await daemon.retry(projectionName);
    return context.json(await projections.info(projectionName), 202);
  });

  router.openapi(skipRoute, async (context) => {
    const { projectionName, position } = context.req.valid("param");
    await daemon.skip(projectionName, Number(position));
    return context.json(await projections.info(projectionName), 202);
  });
}
