/**
 * Enrolling a student in a course: while the course has a free seat, the student's tier allows
 * one more course, and at most once.
 *
 * @module
 */
import {
  composeDecisionModels,
  type EventStore,
  type Position,
} from "@opossum/deno";
import {
  courseSeats,
  enrolmentExists,
  studentPlan,
} from "../decision_models.ts";
import { CommandRefusedError, EntityNotFoundError } from "../errors.ts";
import { studentEnrolledToCourse } from "../events.ts";
import { COURSE_LIMITS } from "../tiers.ts";
import { record } from "./record.ts";

/** Who enrols where. */
export interface EnrolStudent {
  readonly studentId: string;
  readonly courseId: string;
}

/**
 * Enrols a student in a course.
 *
 * The three models together are the boundary of the decision: it starts over when a seat was
 * taken, a limit changed or the student enrolled elsewhere meanwhile, and at nothing else.
 *
 * @param store Where to record it.
 * @param command Who, and where.
 * @param options `signal` gives up before anything is recorded.
 * @returns The position of the event.
 * @throws {EntityNotFoundError} If there is no such student or course.
 * @throws {CommandRefusedError} If the student is enrolled already, the course is full or the
 * student's tier is used up.
 */
export async function enrolStudent(
  store: EventStore,
  command: EnrolStudent,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Position> {
  const { studentId, courseId } = command;
  const model = composeDecisionModels({
    seats: courseSeats(courseId),
    plan: studentPlan(studentId),
    isEnrolled: enrolmentExists(studentId, courseId),
  });
  return await record(
    store,
    model,
    ({ seats, plan, isEnrolled }) => {
      if (seats === undefined) {
        throw new EntityNotFoundError("course", courseId);
      }
      if (plan === undefined) {
        throw new EntityNotFoundError("student", studentId);
      }
      if (isEnrolled) {
        throw new CommandRefusedError(
          "already-enrolled",
          "Cannot enrol the student as the student is enrolled in this course already",
        );
      }
      if (seats.enrolled >= seats.maxStudents) {
        throw new CommandRefusedError(
          "course-full",
          `Cannot enrol the student as all seats of the course are taken: ${seats.maxStudents}`,
        );
      }
      if (plan.enrolledCourses >= COURSE_LIMITS[plan.tier]) {
        throw new CommandRefusedError(
          "tier-limit-reached",
          `Cannot enrol the student as the ${plan.tier} subscription allows ` +
            `no more courses: ${COURSE_LIMITS[plan.tier]}`,
        );
      }
      return studentEnrolledToCourse({ studentId, courseId });
    },
    { attemptsMax: 10, ...options },
  );
}
