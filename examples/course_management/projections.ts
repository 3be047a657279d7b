/**
 * The four projections, as a module: pass its URL to `openOpossum()`, so that rebuilds can load
 * it in workers.
 *
 * @module
 */
export { courseDetails } from "./projections/course_details.ts";
export { courseShortInfo } from "./projections/course_short_info.ts";
export { studentDetails } from "./projections/student_details.ts";
export { studentShortInfo } from "./projections/student_short_info.ts";
