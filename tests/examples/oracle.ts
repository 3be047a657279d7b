/**
 * The sample's states, computed as plainly as possible: what the projections are compared with.
 * Shares no code with them.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Of an event, what the oracle looks at. */
export interface OracleEvent {
  readonly type: string;
  readonly data: unknown;
}

type Ids = { studentId: string; courseId: string } & State;
type State = Record<string, unknown>;
type Student = {
  firstName: unknown;
  lastName: unknown;
  email: unknown;
  tier: unknown;
  courses: { courseId: string; name: unknown }[];
};
type Course = {
  name: unknown;
  maxStudents: unknown;
  students: State[];
};

/** The states of the four projections by key, in the order of the digest. */
export type OracleStates = Readonly<
  Record<
    | "CourseDetails"
    | "CourseShortInfo"
    | "StudentDetails"
    | "StudentShortInfo",
    ReadonlyMap<string, State>
  >
>;

/** Folds a whole log. */
export function oracleStates(events: Iterable<OracleEvent>): OracleStates {
  const students = new Map<string, Student>();
  const courses = new Map<string, Course>();
  for (const { type, data } of events) {
    const { studentId = "", courseId = "", ...fields } = data as Partial<Ids>;
    const student = students.get(studentId);
    const course = courses.get(courseId);
    if (type === "StudentRegistered" && !student) {
      const { firstName, lastName, email } = fields;
      const tier = "Basic";
      const person = { firstName, lastName, email };
      students.set(studentId, { ...person, tier, courses: [] });
    } else if (type === "StudentSubscriptionUpdated" && student) {
      student.tier = fields.tier;
    } else if (type === "CourseCreated" && !course) {
      const { name, maxStudents } = fields;
      courses.set(courseId, { name, maxStudents, students: [] });
    } else if (type === "CourseStudentLimitModified" && course) {
      course.maxStudents = fields.maxStudents;
    } else if (type === "StudentEnrolledToCourse") {
      student?.courses.push({
        courseId,
        name: course ? course.name : null,
      });
      course?.students.push({
        studentId,
        firstName: student ? student.firstName : null,
        lastName: student ? student.lastName : null,
        email: student ? student.email : null,
      });
    }
  }

  const states = {
    CourseDetails: new Map<string, State>(),
    CourseShortInfo: new Map<string, State>(),
    StudentDetails: new Map<string, State>(),
    StudentShortInfo: new Map<string, State>(),
  };
  for (const [courseId, { name, maxStudents, students: list }] of courses) {
    const short = { courseId, name, maxStudents, enrolled: list.length };
    states.CourseShortInfo.set(courseId, short);
    states.CourseDetails.set(courseId, { ...short, students: list });
  }
  for (const [studentId, { courses: list, ...student }] of students) {
    const short = { studentId, ...student, enrolledCourses: list.length };
    states.StudentShortInfo.set(studentId, short);
    states.StudentDetails.set(studentId, { ...short, courses: list });
  }
  return states;
}

/** The states of one projection as `export` prints them: a line each, sorted by key. */
export function exportLines(states: ReadonlyMap<string, unknown>): string[] {
  return [...states.keys()].sort().map((key) =>
    JSON.stringify(states.get(key))
  );
}

/** The digest over all four projections. */
export function oracleDigest(states: OracleStates): string {
  const hash = createHash("sha256");
  for (const [name, documents] of Object.entries(states)) {
    hash.update(`#${name}\n`);
    for (const line of exportLines(documents)) hash.update(`${line}\n`);
  }
  return hash.digest("hex");
}
