/**
 * How writing to the log fails. Nothing of it reaches a caller but as a cause.
 *
 * @module
 */
import { reasonOf } from "./errors.ts";

/** A file or folder could not be made durable: what it holds after a crash is unknown. */
export class SyncError extends Error {
  override readonly name = "SyncError";

  /**
   * @param file The file, within the data folder.
   * @param options `cause`: what the system said.
   */
  constructor(readonly file: string, options: ErrorOptions) {
    super(`Cannot make "${file}" durable`, options);
  }
}

/** What a write was disturbed by. */
export function interference(): Error {
  return new Error(
    "Something else wrote to the log meanwhile: was it or its lock file replaced?",
  );
}

/** A write that failed, or was disturbed, could not be undone: what the file holds is unknown. */
export class RollbackError extends Error {
  override readonly name = "RollbackError";

  /** @param options `cause`: what the system said. */
  constructor(options: ErrorOptions) {
    super(
      `Cannot take back what was written: ${reasonOf(options.cause)}`,
      options,
    );
  }
}
