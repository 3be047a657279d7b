/**
 * The events of the sample: what can happen to students and courses, and the tags by which each
 * event is found again.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { EventInput, Tag } from "@opossum/deno";
import type { Tier } from "./tiers.ts";

/** A student signed up. Happens once a student, before anything else names the student. */
export interface StudentRegistered {
  readonly type: "StudentRegistered";
  readonly data: {
    readonly studentId: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly email: string;
  };
}

/** A student changed to another subscription. */
export interface StudentSubscriptionUpdated {
  readonly type: "StudentSubscriptionUpdated";
  readonly data: { readonly studentId: string; readonly tier: Tier };
}

/** A course was set up. Happens once a course, before anything else names the course. */
export interface CourseCreated {
  readonly type: "CourseCreated";
  readonly data: {
    readonly courseId: string;
    readonly name: string;
    readonly description: string;
    readonly maxStudents: number;
  };
}

/** A course got another number of seats. */
export interface CourseStudentLimitModified {
  readonly type: "CourseStudentLimitModified";
  readonly data: { readonly courseId: string; readonly maxStudents: number };
}

/** A student took a seat in a course. Happens at most once a pair. */
export interface StudentEnrolledToCourse {
  readonly type: "StudentEnrolledToCourse";
  readonly data: { readonly studentId: string; readonly courseId: string };
}

/** Every event of the sample. */
export type CourseManagementEvent =
  | StudentRegistered
  | StudentSubscriptionUpdated
  | CourseCreated
  | CourseStudentLimitModified
  | StudentEnrolledToCourse;

/**
 * The tag of everything that concerns one student.
 *
 * @param studentId The student.
 * @returns `"studentId:…"`.
 */
export function studentTag(studentId: string): Tag {
  return `studentId:${studentId}`;
}

/**
 * The tag of everything that concerns one course.
 *
 * @param courseId The course.
 * @returns `"courseId:…"`.
 */
export function courseTag(courseId: string): Tag {
  return `courseId:${courseId}`;
}

/**
 * The tag that claims an email address: the boundary within which an address is unique.
 *
 * The address is hashed: a tag has at most 256 bytes, which an address may exceed, and tags end up
 * in indexes where personal data does not belong.
 *
 * @param email The address in any spelling.
 * @returns `"email:…"`, the same for all spellings of one address.
 */
export function emailTag(email: string): Tag {
  const digest = createHash("sha256").update(normalizeEmail(email));
  return `email:${digest.digest("base64url")}`;
}

/**
 * The spelling by which two addresses are compared: Unicode-normalised, in lower case.
 *
 * @param email The address as it was typed.
 * @returns The address to compare by.
 */
export function normalizeEmail(email: string): string {
  return email.trim().normalize("NFC").toLowerCase();
}

/**
 * Makes the event of a student who signs up.
 *
 * @param data Who.
 * @returns The event to append, under the student's tag.
 */
export function studentRegistered(
  data: StudentRegistered["data"],
): EventInput<StudentRegistered> {
  return {
    type: "StudentRegistered",
    tags: [studentTag(data.studentId)],
    data,
  };
}

/**
 * Makes the event of a student who changes to another subscription.
 *
 * @param data Who, and to which tier.
 * @returns The event to append, under the student's tag.
 */
export function studentSubscriptionUpdated(
  data: StudentSubscriptionUpdated["data"],
): EventInput<StudentSubscriptionUpdated> {
  return {
    type: "StudentSubscriptionUpdated",
    tags: [studentTag(data.studentId)],
    data,
  };
}

/**
 * Makes the event of a course that is set up.
 *
 * @param data Which course.
 * @returns The event to append, under the course's tag.
 */
export function courseCreated(
  data: CourseCreated["data"],
): EventInput<CourseCreated> {
  return { type: "CourseCreated", tags: [courseTag(data.courseId)], data };
}

/**
 * Makes the event of a course that gets another number of seats.
 *
 * @param data Which course, and how many.
 * @returns The event to append, under the course's tag.
 */
export function courseStudentLimitModified(
  data: CourseStudentLimitModified["data"],
): EventInput<CourseStudentLimitModified> {
  return {
    type: "CourseStudentLimitModified",
    tags: [courseTag(data.courseId)],
    data,
  };
}

/**
 * Makes the event of a student who takes a seat in a course.
 *
 * @param data Who, and where.
 * @returns The event to append, under the tags of both: it counts for either's limit.
 */
export function studentEnrolledToCourse(
  data: StudentEnrolledToCourse["data"],
): EventInput<StudentEnrolledToCourse> {
  return {
    type: "StudentEnrolledToCourse",
    tags: [studentTag(data.studentId), courseTag(data.courseId)],
    data,
  };
}
