/**
 * The read model of one course as a line in a list.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import type {
  CourseCreated,
  CourseStudentLimitModified,
  StudentEnrolledToCourse,
} from "../events.ts";

/** One course in short. */
export interface CourseShortInfo {
  courseId: string;
  name: string;
  maxStudents: number;
  enrolled: number;
}

/**
 * CourseShortInfo, by course id.
 *
 * On a log that breaks the rules: an event of an unknown course changes nothing, a second
 * creation of a course is ignored, and an enrolment of an unknown student counts.
 */
export const courseShortInfo: ProjectionDefinition<
  CourseShortInfo,
  CourseCreated | CourseStudentLimitModified | StudentEnrolledToCourse
> = defineProjection({
  name: "CourseShortInfo",
  version: 1,
  eventTypes: [
    "CourseCreated",
    "CourseStudentLimitModified",
    "StudentEnrolledToCourse",
  ],
  key: ({ data }) => data.courseId,
  apply(state, event) {
    if (state === undefined) {
      if (event.type !== "CourseCreated") return undefined;
      const { courseId, name, maxStudents } = event.data;
      return { courseId, name, maxStudents, enrolled: 0 };
    }
    if (event.type === "CourseStudentLimitModified") {
      state.maxStudents = event.data.maxStudents;
    } else if (event.type === "StudentEnrolledToCourse") {
      state.enrolled += 1;
    }
    return state;
  },
});
