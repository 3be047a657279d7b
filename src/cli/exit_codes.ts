/**
 * What the process's exit status says: one table, for the help, the README and the tests.
 *
 * @module
 */
import { AppendConditionError } from "../events/append_condition.ts";
import {
  ProjectionRollbackError,
  ProjectionSkipError,
  UnknownProjectionError,
} from "../projections/errors.ts";
import {
  PromotionRefusedError,
  RebuildConflictError,
} from "../rebuild/rebuilder.ts";
import { KeyRebuildError } from "../rebuild/rebuilt_keys.ts";
import {
  IdempotencyKeyError,
  RebuildQueueFullError,
  UnknownOperationError,
} from "../rebuild/refusals.ts";
import { LockTimeoutError } from "../storage/file_lock.ts";
import { UsageError } from "./command.ts";
import { OperationConflictError } from "./operation_conflict.ts";
import {
  ServerProblemError,
  ServerUnreachableError,
} from "./server/server_errors.ts";

/** All went well. */
export const EXIT_OK = 0;
/** It did not work, or not all of it. */
export const EXIT_FAILURE = 1;
/** The command was called wrongly. Nothing was done. */
export const EXIT_USAGE = 2;
/** The server did not take the token. Nothing was done. */
export const EXIT_REFUSED = 3;
/** It collides with what is going on or has ended. Nothing was done. */
export const EXIT_CONFLICT = 4;
/** The server cannot be reached, or does not answer. */
export const EXIT_UNREACHABLE = 5;
/** Too much is going on: the same call may work later. Nothing was done. */
export const EXIT_BUSY = 6;
/** Stopped by SIGINT or SIGTERM; the number that shells use. */
export const EXIT_INTERRUPTED = 130;

/** What each status says, in the words of the help. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] =
  [
    [EXIT_OK, "All went well, also when there was nothing to do."],
    [EXIT_FAILURE, "It did not work, or not all of it, or something is wrong."],
    [
      EXIT_USAGE,
      "Called wrongly: unknown command, option, projection or operation. " +
      "Nothing was done.",
    ],
    [
      EXIT_REFUSED,
      "The server does not take the token, or it may not do this. Nothing was done.",
    ],
    [
      EXIT_CONFLICT,
      "It collides with what is going on: the projection is being rebuilt, the " +
      "operation has ended, there is nothing to go back to. Nothing was done.",
    ],
    [EXIT_UNREACHABLE, "The server cannot be reached, or does not answer."],
    [
      EXIT_BUSY,
      "Too much is going on: the same call may work later. Nothing was done.",
    ],
    [EXIT_INTERRUPTED, "Stopped by SIGINT or SIGTERM."],
  ];

/**
 * The exit status that goes with an error.
 *
 * @param error What was thrown.
 * @returns The status.
 */
export function exitCodeOf(error: unknown): number {
  if (
    error instanceof UsageError || error instanceof UnknownProjectionError ||
    error instanceof UnknownOperationError
  ) return EXIT_USAGE;
  if (error instanceof ServerUnreachableError) return EXIT_UNREACHABLE;
  if (error instanceof ServerProblemError) return exitCodeOfStatus(error);
  if (
    error instanceof RebuildConflictError ||
    error instanceof OperationConflictError ||
    error instanceof KeyRebuildError ||
    error instanceof ProjectionSkipError ||
    error instanceof IdempotencyKeyError ||
    error instanceof AppendConditionError ||
    error instanceof ProjectionRollbackError ||
    error instanceof PromotionRefusedError
  ) return EXIT_CONFLICT;
  if (
    error instanceof RebuildQueueFullError || error instanceof LockTimeoutError
  ) return EXIT_BUSY;
  return EXIT_FAILURE;
}

function exitCodeOfStatus({ status, kind }: ServerProblemError): number {
  if (status === 401 || status === 403) return EXIT_REFUSED;
  // As in a folder: it is the projection's code that does not work.
  if (kind === "projection-code-failed") return EXIT_FAILURE;
  if (status === 409) return EXIT_CONFLICT;
  if (status === 404 && kind !== "not-found") return EXIT_USAGE;
  if (kind === "invalid-parameter" || kind === "invalid-body") {
    return EXIT_USAGE;
  }
  // What cannot be read before it is rebuilt does not come by waiting.
  const isForGood = kind === "projection-not-built" ||
    kind === "projection-damaged" || kind === "store-read-only";
  if (status === 429 || (status === 503 && !isForGood)) return EXIT_BUSY;
  return EXIT_FAILURE;
}
