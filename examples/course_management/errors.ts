/**
 * Why a command is refused: what it names does not exist, or a rule forbids it.
 *
 * @module
 */

/** A command or query names a student or course that does not exist. Check the id. */
export class EntityNotFoundError extends Error {
  override readonly name = "EntityNotFoundError";

  /**
   * @param entity What was looked for.
   * @param id Its id.
   */
  constructor(readonly entity: "student" | "course", readonly id: string) {
    super(`Cannot find ${entity}`);
  }
}

/** The rules of the sample, by the name of what broke them. */
export type RefusalReason =
  | "student-exists"
  | "email-taken"
  | "course-exists"
  | "course-limit-below-enrolment"
  | "tier-limit-below-enrolment"
  | "already-enrolled"
  | "course-full"
  | "tier-limit-reached";

/** A rule forbids the command as things stand. Nothing was recorded. */
export class CommandRefusedError extends Error {
  override readonly name = "CommandRefusedError";

  /**
   * @param reason Which rule.
   * @param message What the rule says, and the values at hand.
   */
  constructor(readonly reason: RefusalReason, message: string) {
    super(message);
  }
}
