/**
 * What the answers look like: the examples of the OpenAPI document.
 *
 * @module
 */
import type { CourseDetails } from "../projections/course_details.ts";
import type { CourseShortInfo } from "../projections/course_short_info.ts";
import type { StudentDetails } from "../projections/student_details.ts";
import type { StudentShortInfo } from "../projections/student_short_info.ts";

/** A student in a list. */
export const STUDENT_SHORT_INFO: StudentShortInfo = {
  studentId: "5f0c8e1a-7b1d-4e0f-9a55-3c1d2b7e9f10",
  firstName: "Siân",
  lastName: "O'Brien",
  email: "sian@example.edu",
  tier: "Professional",
  enrolledCourses: 1,
};

/** A course in a list. */
export const COURSE_SHORT_INFO: CourseShortInfo = {
  courseId: "0d9b1c52-4a8e-4c3b-8f6e-91a7d2c4e6b8",
  name: "Schrödinger's Cat",
  maxStudents: 40,
  enrolled: 1,
};

/** A student. */
export const STUDENT_DETAILS: StudentDetails = {
  ...STUDENT_SHORT_INFO,
  courses: [{
    courseId: COURSE_SHORT_INFO.courseId,
    name: COURSE_SHORT_INFO.name,
  }],
};

/** A course. */
export const COURSE_DETAILS: CourseDetails = {
  ...COURSE_SHORT_INFO,
  students: [{
    studentId: STUDENT_SHORT_INFO.studentId,
    firstName: STUDENT_SHORT_INFO.firstName,
    lastName: STUDENT_SHORT_INFO.lastName,
    email: STUDENT_SHORT_INFO.email,
  }],
};
