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
  /** The system's code, such as `"EIO"`, where there is one. */
  readonly code: string | undefined;

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
    this.code = codeOf(options.cause);
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
   * @param action What was attempted. @default {"append"}
   */
  constructor(options: { readonly cause: Error }, action: string = "append") {
    super(
      `Cannot ${action} as the store is read-only until its cause is repaired and it is opened ` +
        `again: ${options.cause.message}`,
      options,
    );
  }
}

/**
 * A file of the log could not be read: the disk, the number of open files or the permissions do
 * not let it. What stands there may be whole, so that nothing is concluded from it: repair the
 * cause, then read again.
 */
export class LogReadError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "LogReadError";
  /** The system's code, such as `"EIO"`, where there is one. */
  readonly code: string | undefined;

  /**
   * Creates the error.
   *
   * @param file The file, within the data folder.
   * @param offset Where in it was to be read, in bytes.
   * @param options `cause`: what the system said.
   */
  constructor(
    readonly file: string,
    readonly offset: number,
    options: { readonly cause: unknown },
  ) {
    super(
      `Cannot read "${file}" at byte ${offset}: ${reasonOf(options.cause)}`,
      options,
    );
    this.code = codeOf(options.cause);
  }
}

/**
 * The store could not be opened, as the disk or the permissions do not let it. Nothing of it is
 * lost. Where the folder can only be read, open it with `readOnly`.
 */
export class StoreOpenError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "StoreOpenError";
  /** The system's code, such as `"EACCES"`, where there is one. */
  readonly code: string | undefined;

  /**
   * Creates the error.
   *
   * @param path The data folder.
   * @param options `cause`: what the system said.
   */
  constructor(readonly path: string, options: { readonly cause: unknown }) {
    const code = codeOf(options.cause);
    const hint = READ_ONLY_CODES.includes(code ?? "")
      ? " (to read what is there, open it with 'readOnly')"
      : "";
    super(
      `Cannot open the store at "${path}": ${reasonOf(options.cause)}${hint}`,
      options,
    );
    this.code = code;
  }
}

/** What the system says where it lets nobody write. */
const READ_ONLY_CODES = ["EROFS", "EACCES", "EPERM"];

/** The store was opened with `readOnly`: what writes is refused. */
export class OpenedReadOnlyError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "OpenedReadOnlyError";

  /** Creates the error. */
  constructor() {
    super("It was opened with 'readOnly'");
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

/**
 * The system's code of a failed file operation: what was thrown by Deno, Node or an injected
 * fault, and has no class of its own yet.
 *
 * @param error Whatever was thrown.
 * @returns The code, such as `"EIO"`, or `undefined` when it is something else.
 */
export function fileErrorCode(error: unknown): string | undefined {
  const isTyped = error instanceof LogReadError ||
    error instanceof AppendFailedError || error instanceof StoreOpenError ||
    error instanceof AppendOutcomeUnknownError;
  return isTyped ? undefined : codeOf(error);
}

/** Whether a file operation failed for want of room, which may come back at any time. */
export function isOutOfRoom(error: unknown): boolean {
  return NO_ROOM_CODES.includes(fileErrorCode(error) ?? "");
}

const NO_ROOM_CODES = ["ENOSPC", "EDQUOT"];

/**
 * Reads from a file of the log, and tells what the system throws as {@linkcode LogReadError}.
 *
 * @param file The file, within the data folder.
 * @param offset Where in it, in bytes; a function when that is only known afterwards.
 * @param read What reads.
 * @returns What it returns.
 */
export function readingLog<T>(
  file: string,
  offset: number | (() => number),
  read: () => T,
): T {
  try {
    return read();
  } catch (cause) {
    if (fileErrorCode(cause) === undefined) throw cause;
    const at = typeof offset === "number" ? offset : offset();
    throw new LogReadError(file, at, { cause });
  }
}

/** A full quota: the runtime knows its number only, which differs. */
const EDQUOT = Deno.build.os === "linux" ? "122" : "69";

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  // Where the runtime has no name for what the system says, it tells the number in its message.
  const [, number] = / \(os error (\d+)\)$/.exec(error.message) ?? [];
  return number === EDQUOT ? "EDQUOT" : number && `os error ${number}`;
}
