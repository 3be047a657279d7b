/**
 * The projections of a release before `CourseShortInfo` came.
 *
 * @module
 */
export {
  courseDetails,
  studentDetails,
  studentShortInfo,
} from "../../../examples/course_management/projections.ts";
