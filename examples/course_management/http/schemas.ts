/**
 * What the sample's routes take and give: for validation, and for the OpenAPI document.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { TIERS } from "../tiers.ts";

const STUDENT_ID = "5f0c8e1a-7b1d-4e0f-9a55-3c1d2b7e9f10";
const COURSE_ID = "0d9b1c52-4a8e-4c3b-8f6e-91a7d2c4e6b8";

/** One line of text: neither control characters nor halves of surrogate pairs, which no store takes. */
const LINE = /^[^\p{Cc}\p{Cs}]*$/u;
/** Text with line ends. */
const TEXT = /^[^\p{Cs}]*$/u;

/** Any UUID, in lower case: keys and tags are compared byte by byte. */
const Id = z.guid().toLowerCase();
const StudentId = Id.openapi({ format: "uuid", example: STUDENT_ID });
const CourseId = Id.openapi({ format: "uuid", example: COURSE_ID });

const Name = z.string().trim().min(1).max(100).regex(LINE);
const FirstName = Name.openapi({ example: "Siân" });
const LastName = Name.openapi({ example: "O'Brien" });
const Email = z.string().trim().max(254).pipe(z.email())
  .openapi({ type: "string", format: "email", example: "sian@example.edu" });
const TierName = z.enum(TIERS).openapi("Tier", {
  description: "Courses allowed: Basic 2, Standard 5, Professional 10, " +
    "Master 25",
});
const CourseName = z.string().trim().min(1).max(200).regex(LINE)
  .openapi({ example: "Schrödinger's Cat" });
const Seats = z.int().min(1).max(10_000).openapi({ example: 30 });

const Position = z.int().min(1).openapi({
  description: "Position of the event that records it",
  example: 4_711,
});
const PositionOrNull = z.int().min(1).nullable().openapi({
  description: "Position of the event that records it; null when nothing " +
    "changed",
  example: 4_712,
});
const Visible = z.boolean().optional().openapi({
  description: "With ?wait=true: whether the read models show it already",
});

/** The path of one student. */
export const StudentPath = z.object({ studentId: StudentId });
/** The path of one course. */
export const CoursePath = z.object({ courseId: CourseId });

/** The parameters of every command. */
export const CommandQuery = z.strictObject({
  wait: z.enum(["true", "false"]).default("false").openapi({
    description: "Whether to answer only when the read models show the " +
      "change, within 5 seconds",
  }),
});

/** The body that registers a student. */
export const RegisterStudentBody = z.strictObject({
  studentId: StudentId.optional().openapi({
    description: "Given by clients that may have to repeat the request; " +
      "made up otherwise",
  }),
  firstName: FirstName,
  lastName: LastName,
  email: Email,
}).openapi("RegisterStudent");

/** The body that changes a subscription. */
export const UpdateSubscriptionBody = z.strictObject({ tier: TierName })
  .openapi("UpdateSubscription");

/** The body that creates a course. */
export const CreateCourseBody = z.strictObject({
  courseId: CourseId.optional().openapi({
    description: "Given by clients that may have to repeat the request; " +
      "made up otherwise",
  }),
  name: CourseName,
  description: z.string().trim().max(2_000).regex(TEXT).default(""),
  maxStudents: Seats,
}).openapi("CreateCourse");

/** The body that changes the number of seats. */
export const ChangeCourseLimitBody = z.strictObject({ maxStudents: Seats })
  .openapi("ChangeCourseLimit");

/** The body that enrols a student. */
export const EnrolStudentBody = z.strictObject({ studentId: StudentId })
  .openapi("EnrolStudent");

/** What came of registering a student. */
export const StudentRecorded = z.object({
  studentId: StudentId,
  position: Position,
  visible: Visible,
}).openapi("StudentRecorded");

/** What came of changing a subscription. */
export const SubscriptionRecorded = z.object({
  studentId: StudentId,
  tier: TierName,
  position: PositionOrNull,
  visible: Visible,
}).openapi("SubscriptionRecorded");

/** What came of creating a course. */
export const CourseRecorded = z.object({
  courseId: CourseId,
  position: Position,
  visible: Visible,
}).openapi("CourseRecorded");

/** What came of changing the number of seats. */
export const CourseLimitRecorded = z.object({
  courseId: CourseId,
  maxStudents: Seats,
  position: PositionOrNull,
  visible: Visible,
}).openapi("CourseLimitRecorded");

/** What came of enrolling a student. */
export const EnrolmentRecorded = z.object({
  courseId: CourseId,
  studentId: StudentId,
  position: Position,
  visible: Visible,
}).openapi("EnrolmentRecorded");

const Count = z.int().nonnegative();

/** A student as a line in a list. */
export const StudentShortInfoSchema = z.object({
  studentId: StudentId,
  firstName: FirstName,
  lastName: LastName,
  email: z.string(),
  tier: TierName,
  enrolledCourses: Count,
}).openapi("StudentShortInfo");

/** A student with courses. */
export const StudentDetailsSchema = StudentShortInfoSchema.extend({
  courses: z.array(
    z.object({ courseId: CourseId, name: z.string().nullable() }),
  ),
}).openapi("StudentDetails");

/** A course as a line in a list. */
export const CourseShortInfoSchema = z.object({
  courseId: CourseId,
  name: CourseName,
  maxStudents: Seats,
  enrolled: Count,
}).openapi("CourseShortInfo");

/** A course with students. */
export const CourseDetailsSchema = CourseShortInfoSchema.extend({
  students: z.array(z.object({
    studentId: StudentId,
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    email: z.string().nullable(),
  })),
}).openapi("CourseDetails");

/** The parameters of the list of students. */
export const StudentListQuery = listQuery([
  "id",
  "firstName",
  "lastName",
  "email",
  "enrolledCourses",
]);

/** The parameters of the list of courses. */
export const CourseListQuery = listQuery([
  "id",
  "name",
  "maxStudents",
  "enrolled",
]);

/** A page of students. */
export const StudentList = listPageOf(StudentShortInfoSchema)
  .openapi("StudentList");

/** A page of courses. */
export const CourseList = listPageOf(CourseShortInfoSchema)
  .openapi("CourseList");

function listQuery<const Sorts extends readonly ["id", ...string[]]>(
  sorts: Sorts,
) {
  return z.strictObject({
    limit: z.string().regex(/^[1-9][0-9]{0,3}$/).default("100")
      .transform(Number).pipe(z.int().min(1).max(1_000)).openapi({
        type: "integer",
        minimum: 1,
        maximum: 1_000,
        default: 100,
        description: "Entries a page",
      }),
    after: z.string().max(1_024).optional().openapi({
      description: "Where the page begins: the 'next' of the page before",
    }),
    sort: z.enum(sorts).default("id").openapi({
      description: "'id' is served from the index, page by page. The others " +
        "read the whole list for each page, up to 100,000 entries",
    }),
    order: z.enum(["asc", "desc"]).default("asc"),
  });
}

function listPageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({
      description: "What to pass as 'after' for the next page; null on the " +
        "last one",
    }),
    checkpoint: Count.openapi({
      description: "Position up to which the entries are complete, at least",
    }),
  });
}
