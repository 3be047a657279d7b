/**
 * The projections of a release whose `CourseDetails` gets every name wrong.
 *
 * @module
 */
import { defineProjection } from "@opossum/deno";
import { courseDetails as right } from "../../../examples/course_management/projections.ts";

export {
  courseShortInfo,
  studentDetails,
  studentShortInfo,
} from "../../../examples/course_management/projections.ts";

/** What is to be fixed. */
export const courseDetails = defineProjection({
  ...right,
  fingerprint: "buggy",
  apply(...given: Parameters<typeof right.apply>) {
    const state = right.apply(...given);
    return state && { ...state, name: "Oops" };
  },
});
