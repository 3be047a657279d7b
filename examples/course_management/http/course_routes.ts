/**
 * Courses over HTTP: set up, change the number of seats, enrol students, look up.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum } from "@opossum/deno";
import { jsonResponse, problemResponses, strictJson } from "@opossum/deno/api";
import { changeCourseLimit } from "../commands/change_course_limit.ts";
import { createCourse } from "../commands/create_course.ts";
import { enrolStudent } from "../commands/enrol_student.ts";
import { EntityNotFoundError } from "../errors.ts";
import type { CourseDetails } from "../projections/course_details.ts";
import type { CourseShortInfo } from "../projections/course_short_info.ts";
import {
  COURSE_DETAILS,
  COURSE_SHORT_INFO,
  STUDENT_DETAILS,
} from "./examples.ts";
import { linkToNext, listPage } from "./listing.ts";
import { visibility } from "./read_your_writes.ts";
import {
  ChangeCourseLimitBody,
  CommandQuery,
  CourseDetailsSchema,
  CourseLimitRecorded,
  CourseList,
  CourseListQuery,
  CoursePath,
  CourseRecorded,
  CreateCourseBody,
  EnrolmentRecorded,
  EnrolStudentBody,
} from "./schemas.ts";

const READ_MODELS = ["CourseDetails", "CourseShortInfo"] as const;
/** An enrolment shows in the read models of both sides. */
const ENROLMENT_READ_MODELS = [
  ...READ_MODELS,
  "StudentDetails",
  "StudentShortInfo",
] as const;
const { courseId } = COURSE_DETAILS;
const { studentId } = STUDENT_DETAILS;

const createCourseRoute = createRoute({
  method: "post",
  path: "/courses",
  operationId: "createCourse",
  tags: ["Courses"],
  summary: "Create a course",
  description: "Names need not be unique.",
  middleware: strictJson(),
  request: {
    query: CommandQuery,
    body: {
      required: true,
      content: { "application/json": { schema: CreateCourseBody } },
    },
  },
  responses: {
    201: {
      headers: z.object({ Location: z.string() }),
      ...jsonResponse("Created", CourseRecorded, { courseId, position: 4_713 }),
    },
    ...problemResponses(400, 409, 413, 415, 422, 500),
  },
});

const changeLimitRoute = createRoute({
  method: "patch",
  path: "/courses/{courseId}/student-limit",
  operationId: "changeCourseLimit",
  tags: ["Courses"],
  summary: "Change how many seats a course has",
  description: "Refused while more students are enrolled.",
  middleware: strictJson(),
  request: {
    params: CoursePath,
    query: CommandQuery,
    body: {
      required: true,
      content: { "application/json": { schema: ChangeCourseLimitBody } },
    },
  },
  responses: {
    200: jsonResponse("Changed, or as it was already", CourseLimitRecorded, {
      courseId,
      maxStudents: 40,
      position: 4_714,
    }),
    ...problemResponses(400, 404, 409, 413, 415, 422, 500),
  },
});

const enrolRoute = createRoute({
  method: "post",
  path: "/courses/{courseId}/enrolments",
  operationId: "enrolStudent",
  tags: ["Courses"],
  summary: "Enrol a student in a course",
  description: "While the course has a free seat and the student's " +
    "subscription allows one more course; once at most.",
  middleware: strictJson(),
  request: {
    params: CoursePath,
    query: CommandQuery,
    body: {
      required: true,
      content: { "application/json": { schema: EnrolStudentBody } },
    },
  },
  responses: {
    201: {
      headers: z.object({ Location: z.string() }),
      ...jsonResponse("Enrolled; Location is the course", EnrolmentRecorded, {
        courseId,
        studentId,
        position: 4_715,
      }),
    },
    ...problemResponses(400, 404, 409, 413, 415, 422, 500),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/courses",
  operationId: "listCourses",
  tags: ["Courses"],
  summary: "List courses",
  description: "From the CourseShortInfo projection, page by page.",
  request: { query: CourseListQuery },
  responses: {
    200: jsonResponse("A page of courses", CourseList, {
      items: [COURSE_SHORT_INFO],
      next: null,
      checkpoint: 4_715,
    }),
    ...problemResponses(400, 422, 500, 503),
  },
});

const detailsRoute = createRoute({
  method: "get",
  path: "/courses/{courseId}",
  operationId: "getCourse",
  tags: ["Courses"],
  summary: "Show a course and the students who are enrolled in it",
  description: "From the CourseDetails projection.",
  request: { params: CoursePath },
  responses: {
    200: jsonResponse("The course", CourseDetailsSchema, COURSE_DETAILS),
    ...problemResponses(400, 404, 500, 503),
  },
});

/**
 * Adds the routes about courses.
 *
 * @param router Where to add them.
 * @param opossum Where to record and to read.
 */
export function addCourseRoutes(router: OpenAPIHono, opossum: Opossum): void {
  const { events, projections } = opossum;

  router.openapi(createCourseRoute, async (context) => {
    const { wait } = context.req.valid("query");
    const { courseId = crypto.randomUUID(), ...course } = context.req.valid(
      "json",
    );
    const position = await createCourse(events, { courseId, ...course });
    const visible = await visibility(opossum, wait, position, READ_MODELS);
    context.header("Location", `/courses/${courseId}`);
    return context.json({ courseId, position, ...visible }, 201);
  });

  router.openapi(changeLimitRoute, async (context) => {
    const { wait } = context.req.valid("query");
    const { courseId } = context.req.valid("param");
    const { maxStudents } = context.req.valid("json");
    const position = await changeCourseLimit(events, { courseId, maxStudents });
    const visible = await visibility(opossum, wait, position, READ_MODELS);
    return context.json(
      { courseId, maxStudents, position: position ?? null, ...visible },
      200,
    );
  });

  router.openapi(enrolRoute, async (context) => {
    const { wait } = context.req.valid("query");
    const { courseId } = context.req.valid("param");
    const { studentId } = context.req.valid("json");
    const position = await enrolStudent(events, { courseId, studentId });
    const visible = await visibility(
      opossum,
      wait,
      position,
      ENROLMENT_READ_MODELS,
    );
    context.header("Location", `/courses/${courseId}`);
    return context.json({ courseId, studentId, position, ...visible }, 201);
  });

  router.openapi(listRoute, async (context) => {
    const page = await listPage<CourseShortInfo>(
      projections,
      "CourseShortInfo",
      {
        name: ({ name }) => name,
        maxStudents: ({ maxStudents }) => maxStudents,
        enrolled: ({ enrolled }) => enrolled,
      },
      context.req.valid("query"),
    );
    linkToNext(context, page);
    return context.json(page, 200);
  });

  router.openapi(detailsRoute, async (context) => {
    const { courseId } = context.req.valid("param");
    const course = await projections.get<CourseDetails>(
      "CourseDetails",
      courseId,
    );
    if (course === undefined) throw new EntityNotFoundError("course", courseId);
    return context.json(course, 200);
  });
}
