/**
 * What an error says of a projection's file: that something is wrong with it, or only that it
 * cannot be used just now.
 *
 * @module
 */
import {
  isOfOpening,
  isUnwritable,
  primaryCode,
} from "../storage/sqlite_errors.ts";
import {
  ProjectionDamagedError,
  ProjectionUnavailableError,
} from "./errors.ts";

/** Busy, locked, no memory, full, cannot be opened, no permission, read-only: nothing is damaged. */
const PASSING_CODES = [3, 5, 6, 7, 8, 13, 14];

/** What the system says when it is not the file that is wrong. */
const PASSING_SYSTEM_CODES = ["EMFILE", "ENFILE", "EACCES", "EPERM", "ENOSPC"];

/** Whether an error speaks of permissions, memory, room or descriptors, rather than of the file. */
export function isPassing(error: unknown): boolean {
  const code = primaryCode(error);
  if (code !== undefined) {
    return PASSING_CODES.includes(code) || isUnwritable(error);
  }
  if (isOfOpening(error)) return true;
  return error instanceof Error && "code" in error &&
    PASSING_SYSTEM_CODES.includes(String(error.code));
}

/** "Malformed" and "not a database": what SQLite says of the file itself. */
const LASTING_CODES = [11, 26];

/** Whether what was found wrong with a file is in the file, and not in how it could be read now. */
export function isLasting(error: unknown): boolean {
  const code = primaryCode(error);
  if (code !== undefined) return LASTING_CODES.includes(code);
  // What we found ourselves; other errors of the runtime have codes.
  return error instanceof Error && !("code" in error);
}

/**
 * What to tell of a projection's file that cannot be used: what passes, apart from what only a
 * rebuild mends.
 *
 * @param projectionName The projection.
 * @param file The file, within the data folder.
 * @param cause What was thrown.
 */
export function asUnusable(
  projectionName: string,
  file: string,
  cause: unknown,
): ProjectionDamagedError | ProjectionUnavailableError {
  const ErrorClass = isPassing(cause)
    ? ProjectionUnavailableError
    : ProjectionDamagedError;
  return new ErrorClass(projectionName, file, { cause });
}
