/**
 * Creating a course: its id must be new.
 *
 * @module
 */
import type { EventStore, Position } from "@opossum/deno";
import { courseExists } from "../decision_models.ts";
import { CommandRefusedError } from "../errors.ts";
import { courseCreated } from "../events.ts";
import { record } from "./record.ts";

/** A course to create. */
export interface CreateCourse {
  /** The new course's id. */
  readonly courseId: string;
  readonly name: string;
  readonly description: string;
  /** Seats, an integer from 1. */
  readonly maxStudents: number;
}

/**
 * Creates a course.
 *
 * @param store Where to record it.
 * @param command Which course.
 * @param options `signal` gives up before anything is recorded.
 * @returns The position of the event.
 * @throws {CommandRefusedError} If the id is taken.
 */
export async function createCourse(
  store: EventStore,
  command: CreateCourse,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Position> {
  const { courseId, name, description, maxStudents } = command;
  return await record(store, courseExists(courseId), (exists) => {
    if (exists) {
      throw new CommandRefusedError(
        "course-exists",
        "Cannot create the course as the id is taken",
      );
    }
    return courseCreated({ courseId, name, description, maxStudents });
  }, options);
}
