/**
 * The sample over HTTP: commands that record events, queries that read projections.
 *
 * | request                                 | does                                  |
 * | --------------------------------------- | ------------------------------------- |
 * | `POST /students`                        | registers a student                   |
 * | `PATCH /students/{studentId}/subscription` | changes the subscription           |
 * | `GET /students`, `GET /students/{studentId}` | lists, shows                     |
 * | `POST /courses`                         | creates a course                      |
 * | `PATCH /courses/{courseId}/student-limit` | changes the number of seats         |
 * | `POST /courses/{courseId}/enrolments`   | enrols a student                      |
 * | `GET /courses`, `GET /courses/{courseId}` | lists, shows                        |
 *
 * Commands answer as soon as the event is on disk; `?wait=true` waits until the read models show
 * it. Refusals are problem details (RFC 9457): 400 malformed, 404 unknown, 409 against a rule,
 * 422 invalid body, 503 read model not built.
 *
 * The sample has no notion of who asks: an application of yours would authenticate here.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Opossum } from "@opossum/deno";
import { createErrorHandler, validationHook } from "@opossum/deno/api";
import { addCourseRoutes } from "./http/course_routes.ts";
import { toCourseProblem } from "./http/problems.ts";
import { addStudentRoutes } from "./http/student_routes.ts";

/** What the sample needs. */
export interface CourseAppOptions {
  /** A store opened with the sample's projections. */
  readonly opossum: Opossum;
}

/**
 * Creates the routes of the sample, to be mounted at the root: `createApp({ routers: [...] })`.
 *
 * @param options The store.
 * @returns The router.
 */
export function createCourseApp({ opossum }: CourseAppOptions): OpenAPIHono {
  const app = new OpenAPIHono({ defaultHook: validationHook });
  const { logger } = opossum.options;
  app.onError(createErrorHandler({ logger, toProblem: toCourseProblem }));
  addStudentRoutes(app, opossum);
  addCourseRoutes(app, opossum);
  return app;
}
