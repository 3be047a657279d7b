/**
 * Registering a student: the id and the email address must be new.
 *
 * @module
 */
import {
  composeDecisionModels,
  type EventStore,
  type Position,
} from "@opossum/deno";
import { emailClaimed, studentExists } from "../decision_models.ts";
import { CommandRefusedError } from "../errors.ts";
import { emailTag, studentRegistered } from "../events.ts";
import { record } from "./record.ts";

/** A student to register. */
export interface RegisterStudent {
  /** The new student's id. */
  readonly studentId: string;
  readonly firstName: string;
  readonly lastName: string;
  /** Unique among all students, whatever the spelling. */
  readonly email: string;
}

/** How to register. */
export interface RegisterStudentOptions {
  /**
   * Looks up addresses that no append condition guards: registrations from an import or the
   * seeder bear no email tag. @default {no such registrations}
   */
  readonly isEmailKnown?: (email: string) => Promise<boolean>;
  /** Gives up before anything is recorded. */
  readonly signal?: AbortSignal;
}

/**
 * Registers a student.
 *
 * Two registrations that race for one address meet in the append condition: both claim the same
 * tag, so the second one is refused.
 *
 * @param store Where to record it.
 * @param command Who.
 * @param options How to register.
 * @returns The position of the event.
 * @throws {CommandRefusedError} If the id or the address is taken.
 */
export async function registerStudent(
  store: EventStore,
  command: RegisterStudent,
  options: RegisterStudentOptions = {},
): Promise<Position> {
  const { studentId, firstName, lastName, email } = command;
  const { isEmailKnown, signal } = options;
  const isKnown = await isEmailKnown?.(email) ?? false;
  const model = composeDecisionModels({
    studentExists: studentExists(studentId),
    emailClaimed: emailClaimed(email),
  });
  return await record(store, model, (state) => {
    if (state.studentExists) {
      throw new CommandRefusedError(
        "student-exists",
        "Cannot register the student as the id is taken",
      );
    }
    if (state.emailClaimed || isKnown) {
      throw new CommandRefusedError(
        "email-taken",
        "Cannot register the student as the email address is taken",
      );
    }
    const event = studentRegistered({ studentId, firstName, lastName, email });
    return { ...event, tags: [...event.tags ?? [], emailTag(email)] };
  }, signal ? { signal } : {});
}
