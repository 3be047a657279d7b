/**
 * What callers of the event store handle: damage, full disks, failed syncs, foreign folders.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** Where the log is damaged. */
export interface LogDamage {
  /** The damaged file, within the data folder. */
  readonly file: string;
  /** Where in that file, in bytes. */
  readonly offset: number;
  /** The first position that cannot be read. */
  readonly position: Position;
  /** What is wrong there. */
  readonly what: string;
}

/**
 * The log is damaged where events were acknowledged. Nothing was changed; events before
 * `position` can be read. Restore the file from a backup.
 */
export class LogCorruptionError extends Error implements LogDamage {
  /** Tells the class by its name, also across realms. */
  override readonly name = "LogCorruptionError";
  /** The damaged file, within the data folder. */
  readonly file: string;
  /** Where in that file, in bytes. */
  readonly offset: number;
  /** The first position that cannot be read. */
  readonly position: Position;
  /** What is wrong there. */
  readonly what: string;

  /**
   * Creates the error.
   *
   * @param damage What is damaged, and where.
   * @param options `cause`: what was found.
   */
  constructor(damage: LogDamage, options?: ErrorOptions) {
    super(
      `Cannot read the log from position ${damage.position} on as "${damage.file}" is damaged ` +
        `at byte ${damage.offset}, restore it from a backup: ${damage.what}`,
      options,
    );
    this.file = damage.file;
    this.offset = damage.offset;
    this.position = damage.position;
    this.what = damage.what;
  }
}

/** The events could not be written, for example as the disk is full. Nothing was written. */
export class AppendFailedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "AppendFailedError";
  /** The system's code, such as `"ENOSPC"`, where there is one. */
  readonly code: string | undefined;

  /**
   * Creates the error.
   *
   * @param file The file written to, within the data folder.
   * @param options `cause`: what the system said.
   */
  constructor(readonly file: string, options: { readonly cause: unknown }) {
    super(
      `Cannot append as "${file}" could not be written, nothing was stored: ${
        reasonOf(options.cause)
      }`,
      options,
    );
    this.code = codeOf(options.cause);
  }
}

/**
 * The disk reported a failure after the events were written: they may be stored or not. Open
 * the store again and read before appending them again.
 */
export class AppendOutcomeUnknownError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "AppendOutcomeUnknownError";

  /**
   * Creates the error.
   *
   * @param file The file that could not be made durable, within the data folder.
   * @param options `cause`: what the system said.
   */
  constructor(readonly file: string, options: { readonly cause: unknown }) {
    super(
      `Cannot tell whether the events are stored as "${file}" could not be made durable, ` +
        `open the store again and read before you append again: ${
          reasonOf(options.cause)
        }`,
      options,
    );
  }
}

/**
 * The store takes no more appends: a sync failed, or the log is damaged (see `cause`). Reads go
 * on. Repair the cause, then open the store again.
 */
export class StoreReadOnlyError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "StoreReadOnlyError";

  /**
   * Creates the error.
   *
   * @param options `cause`: why the store became read-only.
   */
  constructor(options: { readonly cause: Error }) {
    super(
      `Cannot append as the store is read-only until its cause is repaired and it is opened ` +
        `again: ${options.cause.message}`,
      options,
    );
  }
}

/** The folder is no store of this version: foreign, incomplete, or written by a newer one. */
export class StoreFormatError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "StoreFormatError";

  /**
   * Creates the error.
   *
   * @param path The folder or file.
   * @param what What is wrong with it, and what to do.
   * @param options `cause`: what was found.
   */
  constructor(
    readonly path: string,
    readonly what: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot open the store at "${path}": ${what}`, options);
  }
}

/** The store was closed. Open it again. */
export class StoreClosedError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "StoreClosedError";

  /**
   * Creates the error.
   *
   * @param action What was attempted: `"append"`.
   */
  constructor(action: string) {
    super(`Cannot ${action} as the store is closed: open it again`);
  }
}

/** The words of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error &&
      typeof error.code === "string"
    ? error.code
    : undefined;
}
