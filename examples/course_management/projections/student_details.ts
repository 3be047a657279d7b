/**
 * The read model of one student with every course that the student is enrolled in.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import {
  type CourseCreated,
  courseTag,
  type StudentEnrolledToCourse,
  type StudentRegistered,
  type StudentSubscriptionUpdated,
} from "../events.ts";
import { INITIAL_TIER, type Tier } from "../tiers.ts";

/** A course as listed with a student. The name is `null` for an unknown course. */
export interface StudentCourse {
  courseId: string;
  name: string | null;
}

/** One student. */
export interface StudentDetails {
  studentId: string;
  firstName: string;
  lastName: string;
  email: string;
  tier: Tier;
  /** Always the length of `courses`. */
  enrolledCourses: number;
  /** In the order of enrolment. */
  courses: StudentCourse[];
}

/**
 * StudentDetails, by student id.
 *
 * An enrolment carries ids only: the course's name comes from the course's creation, as a related
 * event.
 *
 * On a log that breaks the rules: an event of an unknown student changes nothing, a second
 * registration of a student is ignored, and an unknown course is listed with `null` as its name.
 */
export const studentDetails: ProjectionDefinition<
  StudentDetails,
  | StudentRegistered
  | StudentSubscriptionUpdated
  | StudentEnrolledToCourse
  | CourseCreated
> = defineProjection({
  name: "StudentDetails",
  version: 1,
  eventTypes: [
    "StudentRegistered",
    "StudentSubscriptionUpdated",
    "StudentEnrolledToCourse",
  ],
  key: ({ data }) => "studentId" in data ? data.studentId : undefined,
  related: {
    eventTypes: ["CourseCreated"],
    tags: (event) =>
      event.type === "StudentEnrolledToCourse"
        ? [courseTag(event.data.courseId)]
        : [],
  },
  apply(state, event, { related }) {
    if (state === undefined) {
      if (event.type !== "StudentRegistered") return undefined;
      const { studentId, firstName, lastName, email } = event.data;
      return {
        studentId,
        firstName,
        lastName,
        email,
        tier: INITIAL_TIER,
        enrolledCourses: 0,
        courses: [],
      };
    }
    if (event.type === "StudentSubscriptionUpdated") {
      state.tier = event.data.tier;
    } else if (event.type === "StudentEnrolledToCourse") {
      const { courseId } = event.data;
      let course: StudentCourse = { courseId, name: null };
      for (const { type, data } of related) {
        // The first creation is the one that counts, as in the course's own documents.
        if (type === "CourseCreated" && data.courseId === courseId) {
          course = { courseId, name: data.name };
          break;
        }
      }
      state.enrolledCourses += 1;
      state.courses.push(course);
    }
    return state;
  },
});
