/**
 * The read model of one course with everybody who is enrolled in it.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import {
  type CourseCreated,
  type CourseStudentLimitModified,
  type StudentEnrolledToCourse,
  type StudentRegistered,
  studentTag,
} from "../events.ts";

/** A student as listed in a course. Names and email are `null` for an unknown student. */
export interface CourseStudent {
  studentId: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
}

/** One course. */
export interface CourseDetails {
  courseId: string;
  name: string;
  maxStudents: number;
  /** Always the length of `students`. */
  enrolled: number;
  /** In the order in which they enrolled. */
  students: CourseStudent[];
}

/**
 * CourseDetails, by course id.
 *
 * An enrolment carries ids only: the student's name and email come from the student's
 * registration, as a related event.
 *
 * On a log that breaks the rules: an event of an unknown course changes nothing, a second
 * creation of a course is ignored, and an unknown student is listed with `null` for what is not
 * known.
 */
export const courseDetails: ProjectionDefinition<
  CourseDetails,
  | CourseCreated
  | CourseStudentLimitModified
  | StudentEnrolledToCourse
  | StudentRegistered
> = defineProjection({
  name: "CourseDetails",
  version: 1,
  eventTypes: [
    "CourseCreated",
    "CourseStudentLimitModified",
    "StudentEnrolledToCourse",
  ],
  key: ({ data }) => "courseId" in data ? data.courseId : undefined,
  related: {
    eventTypes: ["StudentRegistered"],
    tags: (event) =>
      event.type === "StudentEnrolledToCourse"
        ? [studentTag(event.data.studentId)]
        : [],
  },
  apply(state, event, { related }) {
    if (state === undefined) {
      if (event.type !== "CourseCreated") return undefined;
      const { courseId, name, maxStudents } = event.data;
      return { courseId, name, maxStudents, enrolled: 0, students: [] };
    }
    if (event.type === "CourseStudentLimitModified") {
      state.maxStudents = event.data.maxStudents;
    } else if (event.type === "StudentEnrolledToCourse") {
      const { studentId } = event.data;
      let student: CourseStudent = {
        studentId,
        firstName: null,
        lastName: null,
        email: null,
      };
      for (const { type, data } of related) {
        // The first registration is the one that counts, as in the student's own documents.
        if (type === "StudentRegistered" && data.studentId === studentId) {
          const { firstName, lastName, email } = data;
          student = { studentId, firstName, lastName, email };
          break;
        }
      }
      state.enrolled += 1;
      state.students.push(student);
    }
    return state;
  },
});
