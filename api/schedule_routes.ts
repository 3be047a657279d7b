/**
 * The route that says when rebuilds are scheduled.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum, RebuildWindowStatus } from "../mod.ts";
import { jsonResponse, problemResponses } from "./responses.ts";
import { NoQuery } from "./schemas.ts";
import { ADMIN_SECURITY, OPERATIONS_TAG } from "./sections.ts";

const Window: z.ZodType<RebuildWindowStatus> = z.object({
  cron: z.string().openapi({
    description: "When it opens: a cron expression of five fields, UTC",
    example: "0 3 * * *",
  }),
  duration: z.int().positive().nullable().openapi({
    description: "Milliseconds that it stays open; null: until all is done",
  }),
  concurrency: z.int().positive().nullable(),
  eventsPerSecondMax: z.int().positive().nullable(),
  isOpen: z.boolean(),
  opensAt: z.iso.datetime().nullable(),
  closesAt: z.iso.datetime().nullable(),
  operationId: z.string().nullable().openapi({
    description: "The last operation that was started in it",
  }),
}).openapi("RebuildWindow");

const windowExample: RebuildWindowStatus = {
  cron: "0 3 * * *",
  duration: 7_200_000,
  concurrency: 2,
  eventsPerSecondMax: 50_000,
  isOpen: false,
  opensAt: "2026-01-16T03:00:00.000Z",
  closesAt: null,
  operationId: "0b5ad2f1c4e94a7f8d3b6c1e2a9f7d40",
};

const scheduleRoute = createRoute({
  method: "get",
  path: "/admin/schedule",
  operationId: "getSchedule",
  tags: [OPERATIONS_TAG],
  security: ADMIN_SECURITY,
  summary: "Get the schedule of rebuilds",
  description:
    `Returns the windows in which what needs it is rebuilt, when they open and close, and
within which bounds. What is not done when a window closes goes on in the next one.`,
  request: { query: NoQuery },
  responses: {
    200: jsonResponse(
      "The windows, as configured; none when nothing is scheduled",
      z.object({ windows: z.array(Window) }).openapi("RebuildSchedule"),
      { windows: [windowExample] },
    ),
    ...problemResponses(400, 401, 500),
  },
});

/**
 * Adds the route that says when rebuilds are scheduled.
 *
 * @param router Where to add it.
 * @param opossum The store whose schedule it shows.
 */
export function addScheduleRoutes(
  router: OpenAPIHono,
  { daemon }: Opossum,
): void {
  router.openapi(
    scheduleRoute,
    (context) => context.json({ windows: [...daemon.schedule()] }, 200),
  );
}
