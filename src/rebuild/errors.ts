/**
 * What can go wrong with a rebuild besides the definition's own code.
 *
 * @module
 */
import {
  fileErrorCode,
  OpenedReadOnlyError,
  reasonOf,
  StoreReadOnlyError,
} from "../log/errors.ts";
import { ProjectionUnavailableError } from "../projections/errors.ts";

/** A scan ends as it was asked to stop. Never reaches callers. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";

  constructor() {
    super("The rebuild was asked to stop");
  }
}

/**
 * The documents of a rebuild need more memory than a thread may have. Rebuild fewer projections at
 * once, lower `rebuildMemoryBytesMax`, or make single documents smaller.
 */
export class RebuildMemoryError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildMemoryError";

  /**
   * Creates the error.
   *
   * @param used Bytes in use.
   * @param limit Bytes the runtime allows.
   */
  constructor(
    /** Bytes in use. */
    readonly used: number,
    /** Bytes the runtime allows. */
    readonly limit: number,
  ) {
    super(
      `Cannot go on rebuilding as memory runs out, ${used} of ${limit} bytes are used: rebuild ` +
        "fewer projections at once, or lower 'rebuildMemoryBytesMax'",
    );
  }
}

/**
 * The worker that rebuilt a projection crashed or no longer shows a sign of life. The old
 * generation serves on. Look at the projection's code, then rebuild it.
 */
export class RebuildWorkerError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildWorkerError";

  /**
   * Creates the error.
   *
   * @param projectionName The projection.
   * @param what What happened to its worker.
   * @param options `cause`: what the runtime said.
   */
  constructor(
    /** The projection. */
    readonly projectionName: string,
    what: string,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot go on rebuilding projection "${projectionName}" as its worker ${what}`,
      options,
    );
  }
}

/** The rebuild was not begun, as the disk or the permissions stand against it. Nothing was changed. */
export class RebuildNotStartedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "RebuildNotStartedError";
  /** The system's code, such as `"ENOSPC"`, where there is one. */
  readonly code: string | undefined;

  /**
   * Creates the error.
   *
   * @param code The system's code.
   * @param options `cause`: what the system said.
   */
  constructor(code: string | undefined, options: { readonly cause: unknown }) {
    const { cause } = options;
    super(
      `Cannot start the rebuild as its files cannot be written: ${
        reasonOf(cause)
      }`,
      options,
    );
    this.code = code;
  }
}

/**
 * What to tell whoever wants a store changed that was opened with `readOnly`.
 *
 * @param action What was attempted.
 * @returns The error.
 */
export function openedReadOnly(action: string): StoreReadOnlyError {
  return new StoreReadOnlyError({ cause: new OpenedReadOnlyError() }, action);
}

/**
 * Whether an error speaks of files that the system does not let be used.
 *
 * @param error What was thrown.
 * @returns Not for what speaks of the log: that concerns all projections.
 */
export function isFileTrouble(error: unknown): error is Error {
  return error instanceof ProjectionUnavailableError ||
    fileErrorCode(error) !== undefined;
}

/**
 * Starts a rebuild, unless nothing may be written.
 *
 * @param readOnly Whether the store was opened to be read only.
 * @param start What starts it.
 * @returns What it returns.
 * @throws {StoreReadOnlyError} If nothing may be written.
 * @throws {RebuildNotStartedError} If the disk or the permissions stand against it.
 */
export async function startingRebuild<T>(
  readOnly: boolean | undefined,
  start: () => Promise<T>,
): Promise<T> {
  if (readOnly) throw openedReadOnly("rebuild");
  try {
    return await start();
  } catch (cause) {
    const code = fileErrorCode(cause);
    if (code === undefined) throw cause;
    throw new RebuildNotStartedError(code, { cause });
  }
}
