/**
 * What the commands' decisions depend on. Each model asks for exactly the events that can change
 * its state, so that decisions which do not concern each other never conflict.
 *
 * @module
 */
import type { DecisionModel } from "@opossum/deno";
import {
  type CourseCreated,
  type CourseStudentLimitModified,
  courseTag,
  emailTag,
  type StudentEnrolledToCourse,
  type StudentRegistered,
  type StudentSubscriptionUpdated,
  studentTag,
} from "./events.ts";
import { INITIAL_TIER, type Tier } from "./tiers.ts";

/** A course's seats. */
export interface CourseSeats {
  /** Seats in all. */
  readonly maxStudents: number;
  /** Seats taken. */
  readonly enrolled: number;
}

/** A student's subscription and the use made of it. */
export interface StudentPlan {
  /** The subscription. */
  readonly tier: Tier;
  /** Courses that the student is enrolled in. */
  readonly enrolledCourses: number;
}

/**
 * The seats of a course; `undefined` while there is no such course.
 *
 * @param courseId The course.
 * @returns The model.
 */
export function courseSeats(
  courseId: string,
): DecisionModel<
  CourseSeats | undefined,
  CourseCreated | CourseStudentLimitModified | StudentEnrolledToCourse
> {
  return {
    query: {
      items: [{
        types: [
          "CourseCreated",
          "CourseStudentLimitModified",
          "StudentEnrolledToCourse",
        ],
        tags: [courseTag(courseId)],
      }],
    },
    initial: undefined,
    evolve(seats, event) {
      if (event.type === "CourseCreated") {
        return seats ?? { maxStudents: event.data.maxStudents, enrolled: 0 };
      }
      if (seats === undefined) return undefined;
      return event.type === "CourseStudentLimitModified"
        ? { ...seats, maxStudents: event.data.maxStudents }
        : { ...seats, enrolled: seats.enrolled + 1 };
    },
  };
}

/**
 * Whether a course exists, whatever became of it.
 *
 * @param courseId The course.
 * @returns The model.
 */
export function courseExists(
  courseId: string,
): DecisionModel<boolean, CourseCreated> {
  return {
    query: {
      items: [{ types: ["CourseCreated"], tags: [courseTag(courseId)] }],
    },
    initial: false,
    evolve: () => true,
  };
}

/**
 * The subscription of a student; `undefined` while there is no such student.
 *
 * @param studentId The student.
 * @returns The model.
 */
export function studentPlan(
  studentId: string,
): DecisionModel<
  StudentPlan | undefined,
  StudentRegistered | StudentSubscriptionUpdated | StudentEnrolledToCourse
> {
  return {
    query: {
      items: [{
        types: [
          "StudentRegistered",
          "StudentSubscriptionUpdated",
          "StudentEnrolledToCourse",
        ],
        tags: [studentTag(studentId)],
      }],
    },
    initial: undefined,
    evolve(plan, event) {
      if (event.type === "StudentRegistered") {
        return plan ?? { tier: INITIAL_TIER, enrolledCourses: 0 };
      }
      if (plan === undefined) return undefined;
      return event.type === "StudentSubscriptionUpdated"
        ? { ...plan, tier: event.data.tier }
        : { ...plan, enrolledCourses: plan.enrolledCourses + 1 };
    },
  };
}

/**
 * Whether a student is registered, whatever became of the student.
 *
 * @param studentId The student.
 * @returns The model.
 */
export function studentExists(
  studentId: string,
): DecisionModel<boolean, StudentRegistered> {
  return {
    query: {
      items: [{ types: ["StudentRegistered"], tags: [studentTag(studentId)] }],
    },
    initial: false,
    evolve: () => true,
  };
}

/**
 * Whether a registration claimed an email address.
 *
 * @param email The address in any spelling.
 * @returns The model.
 */
export function emailClaimed(
  email: string,
): DecisionModel<boolean, StudentRegistered> {
  return {
    query: {
      items: [{ types: ["StudentRegistered"], tags: [emailTag(email)] }],
    },
    initial: false,
    evolve: () => true,
  };
}

/**
 * Whether a student has a seat in a course.
 *
 * @param studentId The student.
 * @param courseId The course.
 * @returns The model.
 */
export function enrolmentExists(
  studentId: string,
  courseId: string,
): DecisionModel<boolean, StudentEnrolledToCourse> {
  return {
    query: {
      items: [{
        types: ["StudentEnrolledToCourse"],
        tags: [studentTag(studentId), courseTag(courseId)],
      }],
    },
    initial: false,
    evolve: () => true,
  };
}
