/**
 * Students over HTTP: sign up, change the subscription, look up.
 *
 * @module
 */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Opossum } from "@opossum/deno";
import { jsonResponse, problemResponses, strictJson } from "@opossum/deno/api";
import { registerStudent } from "../commands/register_student.ts";
import { updateSubscription } from "../commands/update_subscription.ts";
import { isEmailRegistered } from "../email_directory.ts";
import { EntityNotFoundError } from "../errors.ts";
import type { StudentDetails } from "../projections/student_details.ts";
import type { StudentShortInfo } from "../projections/student_short_info.ts";
import { STUDENT_DETAILS, STUDENT_SHORT_INFO } from "./examples.ts";
import { linkToNext, listPage } from "./listing.ts";
import { visibility } from "./read_your_writes.ts";
import {
  CommandQuery,
  RegisterStudentBody,
  StudentDetailsSchema,
  StudentList,
  StudentListQuery,
  StudentPath,
  StudentRecorded,
  SubscriptionRecorded,
  UpdateSubscriptionBody,
} from "./schemas.ts";

const READ_MODELS = ["StudentDetails", "StudentShortInfo"] as const;
const { studentId } = STUDENT_DETAILS;

const registerRoute = createRoute({
  method: "post",
  path: "/students",
  operationId: "registerStudent",
  tags: ["Students"],
  summary: "Register a student",
  description: "The email address must be unique among all students, " +
    "whatever its spelling. A student begins with the Basic subscription.",
  middleware: strictJson(),
  request: {
    query: CommandQuery,
    body: {
      required: true,
      content: { "application/json": { schema: RegisterStudentBody } },
    },
  },
  responses: {
    201: {
      headers: z.object({ Location: z.string() }),
      ...jsonResponse("Registered", StudentRecorded, {
        studentId,
        position: 4_711,
      }),
    },
    ...problemResponses(400, 409, 413, 415, 422, 500),
  },
});

const updateSubscriptionRoute = createRoute({
  method: "patch",
  path: "/students/{studentId}/subscription",
  operationId: "updateSubscription",
  tags: ["Students"],
  summary: "Change a student's subscription",
  description: "Refused while the student is enrolled in more courses than " +
    "the new tier allows.",
  middleware: strictJson(),
  request: {
    params: StudentPath,
    query: CommandQuery,
    body: {
      required: true,
      content: { "application/json": { schema: UpdateSubscriptionBody } },
    },
  },
  responses: {
    200: jsonResponse("Changed, or as it was already", SubscriptionRecorded, {
      studentId,
      tier: "Professional",
      position: 4_712,
    }),
    ...problemResponses(400, 404, 409, 413, 415, 422, 500),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/students",
  operationId: "listStudents",
  tags: ["Students"],
  summary: "List students",
  description: "From the StudentShortInfo projection, page by page.",
  request: { query: StudentListQuery },
  responses: {
    200: jsonResponse("A page of students", StudentList, {
      items: [STUDENT_SHORT_INFO],
      next: null,
      checkpoint: 4_712,
    }),
    ...problemResponses(400, 422, 500, 503),
  },
});

const detailsRoute = createRoute({
  method: "get",
  path: "/students/{studentId}",
  operationId: "getStudent",
  tags: ["Students"],
  summary: "Show a student and the courses the student is enrolled in",
  description: "From the StudentDetails projection.",
  request: { params: StudentPath },
  responses: {
    200: jsonResponse("The student", StudentDetailsSchema, STUDENT_DETAILS),
    ...problemResponses(400, 404, 500, 503),
  },
});

/**
 * Adds the routes about students.
 *
 * @param router Where to add them.
 * @param opossum Where to record and to read.
 */
export function addStudentRoutes(router: OpenAPIHono, opossum: Opossum): void {
  const { events, projections } = opossum;

  router.openapi(registerRoute, async (context) => {
    const { wait } = context.req.valid("query");
    const { studentId = crypto.randomUUID(), ...person } = context.req.valid(
      "json",
    );
    const position = await registerStudent(events, { studentId, ...person }, {
      isEmailKnown: (email) => isEmailRegistered(opossum, email),
    });
    const visible = await visibility(opossum, wait, position, READ_MODELS);
    context.header("Location", `/students/${studentId}`);
    return context.json({ studentId, position, ...visible }, 201);
  });

  router.openapi(updateSubscriptionRoute, async (context) => {
    const { wait } = context.req.valid("query");
    const { studentId } = context.req.valid("param");
    const { tier } = context.req.valid("json");
    const position = await updateSubscription(events, { studentId, tier });
    const visible = await visibility(opossum, wait, position, READ_MODELS);
    return context.json(
      { studentId, tier, position: position ?? null, ...visible },
      200,
    );
  });

  router.openapi(listRoute, async (context) => {
    const page = await listPage<StudentShortInfo>(
      projections,
      "StudentShortInfo",
      {
        firstName: ({ firstName }) => firstName,
        lastName: ({ lastName }) => lastName,
        email: ({ email }) => email,
        enrolledCourses: ({ enrolledCourses }) => enrolledCourses,
      },
      context.req.valid("query"),
    );
    linkToNext(context, page);
    return context.json(page, 200);
  });

  router.openapi(detailsRoute, async (context) => {
    const { studentId } = context.req.valid("param");
    const student = await projections.get<StudentDetails>(
      "StudentDetails",
      studentId,
    );
    if (student === undefined) {
      throw new EntityNotFoundError("student", studentId);
    }
    return context.json(student, 200);
  });
}
