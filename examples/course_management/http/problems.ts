/**
 * How the sample's own errors look over HTTP. The library's are mapped by `@opossum/deno/api`.
 *
 * @module
 */
import { ProjectionDamagedError, ProjectionNotBuiltError } from "@opossum/deno";
import type { ProblemInit } from "@opossum/deno/api";
import {
  CommandRefusedError,
  EntityNotFoundError,
  type RefusalReason,
} from "../errors.ts";

/** When to ask again for a read model that is missing, in seconds. */
const READ_MODEL_RETRY_SECONDS = 10;

const TITLES: Readonly<Record<RefusalReason, string>> = {
  "student-exists": "Student exists",
  "email-taken": "Email address taken",
  "course-exists": "Course exists",
  "course-limit-below-enrolment": "Course limit below enrolment",
  "tier-limit-below-enrolment": "Tier limit below enrolment",
  "already-enrolled": "Already enrolled",
  "course-full": "Course full",
  "tier-limit-reached": "Tier limit reached",
};

/**
 * The problem that an error of the sample stands for.
 *
 * @param error What a route threw.
 * @returns 404 for what does not exist, 409 for what a rule forbids, 503 for a read model that
 * cannot be read; `undefined` for everything else.
 */
export function toCourseProblem(error: unknown): ProblemInit | undefined {
  if (error instanceof EntityNotFoundError) {
    const { entity } = error;
    return {
      kind: `unknown-${entity}`,
      status: 404,
      title: `Unknown ${entity}`,
      // Not the id, which is a tag of events and may have come from anywhere.
      detail: `There is no ${entity} of this id`,
    };
  }
  if (error instanceof CommandRefusedError) {
    return {
      kind: error.reason,
      status: 409,
      title: TITLES[error.reason],
      detail: error.message,
    };
  }
  if (error instanceof ProjectionNotBuiltError) {
    return readModelProblem("not-built", "was not built yet");
  }
  if (error instanceof ProjectionDamagedError) {
    return readModelProblem("damaged", "is damaged");
  }
  return undefined;
}

/** The library's own problem says how to repair it; clients of the sample can only ask again. */
function readModelProblem(
  condition: "not-built" | "damaged",
  words: string,
): ProblemInit {
  return {
    kind: `projection-${condition}`,
    status: 503,
    title: "Read model unavailable",
    detail: `The read model ${words}: ask again once it is rebuilt`,
    headers: { "Retry-After": String(READ_MODEL_RETRY_SECONDS) },
  };
}
