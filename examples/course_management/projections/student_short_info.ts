/**
 * The read model of one student as a line in a list.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import {
  emailTag,
  type StudentEnrolledToCourse,
  type StudentRegistered,
  type StudentSubscriptionUpdated,
} from "../events.ts";
import { INITIAL_TIER, type Tier } from "../tiers.ts";

/** One student in short. */
export interface StudentShortInfo {
  studentId: string;
  firstName: string;
  lastName: string;
  email: string;
  tier: Tier;
  enrolledCourses: number;
}

/**
 * StudentShortInfo, by student id and findable by email address.
 *
 * On a log that breaks the rules: an event of an unknown student changes nothing, a second
 * registration of a student is ignored, and an enrolment in an unknown course counts.
 */
export const studentShortInfo: ProjectionDefinition<
  StudentShortInfo,
  StudentRegistered | StudentSubscriptionUpdated | StudentEnrolledToCourse
> = defineProjection({
  name: "StudentShortInfo",
  version: 1,
  eventTypes: [
    "StudentRegistered",
    "StudentSubscriptionUpdated",
    "StudentEnrolledToCourse",
  ],
  key: ({ data }) => data.studentId,
  tags: ({ email }) => [emailTag(email)],
  apply(state, event) {
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
      };
    }
    if (event.type === "StudentSubscriptionUpdated") {
      state.tier = event.data.tier;
    } else if (event.type === "StudentEnrolledToCourse") {
      state.enrolledCourses += 1;
    }
    return state;
  },
});
