/**
 * Changing how many seats a course has: never fewer than are taken.
 *
 * @module
 */
import { decide, type EventStore, type Position } from "@opossum/deno";
import { courseSeats } from "../decision_models.ts";
import { CommandRefusedError, EntityNotFoundError } from "../errors.ts";
import { courseStudentLimitModified } from "../events.ts";

/** The new number of seats of a course. */
export interface ChangeCourseLimit {
  readonly courseId: string;
  /** Seats, an integer from 1. */
  readonly maxStudents: number;
}

/**
 * Changes how many seats a course has.
 *
 * @param store Where to record it.
 * @param command Which course, and how many.
 * @param options `signal` gives up before anything is recorded.
 * @returns The position of the event, or `undefined` when the course has that many seats already.
 * @throws {EntityNotFoundError} If there is no such course.
 * @throws {CommandRefusedError} If more seats are taken.
 */
export async function changeCourseLimit(
  store: EventStore,
  command: ChangeCourseLimit,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Position | undefined> {
  const { courseId, maxStudents } = command;
  const { appended } = await decide(store, courseSeats(courseId), (seats) => {
    if (seats === undefined) throw new EntityNotFoundError("course", courseId);
    if (seats.enrolled > maxStudents) {
      throw new CommandRefusedError(
        "course-limit-below-enrolment",
        `Cannot limit the course to ${maxStudents} students as more are ` +
          `enrolled: ${seats.enrolled}`,
      );
    }
    if (seats.maxStudents === maxStudents) return [];
    return [courseStudentLimitModified({ courseId, maxStudents })];
  }, options);
  return appended?.last;
}
