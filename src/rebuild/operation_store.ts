/**
 * The history of rebuild operations: one small file each, replaced atomically as it goes on.
 *
 * ```
 * operations/001795478400000-0123456789abcdef0123456789abcdef.json
 * ```
 *
 * The name begins with the time of the request, so that the newest are found without reading.
 *
 * @module
 */
import { dirname, join } from "node:path";
import {
  atomicReplace,
  readTextIfExists,
  sweepTemporaries,
} from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { RebuildOperation } from "./operation.ts";
import { isOpen } from "./promotion.ts";
import { UnknownOperationError } from "./refusals.ts";

const NAME_PATTERN = /^(\d{15})-([0-9a-f]{32})\.json$/;
/** How many operations are remembered. */
const HISTORY_MAX = 1_000;

/** No replacement takes this long. */
const TEMPORARY_MS_MAX = 600_000;

/** The key that an operation was asked for with. Digests: keys may be secrets. */
export interface IdempotencyRecord {
  /** Digest of the key and of whoever sent it. */
  readonly key: string;
  /** Digest of what was asked for. */
  readonly request: string;
}

/** An operation as it stands on disk. */
export interface StoredOperation extends RebuildOperation {
  /**
   * By which decisions its projections were held back when it was asked for. Nothing for the
   * world. Left out by earlier versions.
   */
  readonly rollbacksBefore?: Readonly<Record<string, string>>;
  /** The key that it was asked for with. Nothing for the world. */
  readonly idempotency?: IdempotencyRecord;
  /** Where its span stands in its trace, as W3C's `traceparent`, so that whoever goes on with it
   * stands in the same one. Nothing for the world. */
  readonly traceparent?: string;
  /** W3C's `tracestate` that goes with it. Nothing for the world. */
  readonly tracestate?: string;
}

/** Which operation a key stands for, and what was asked for with it. */
export interface KeyedOperation {
  readonly id: string;
  readonly request: string;
}

const NOTHING_KNOWN: ReadonlySet<string> = new Set();

const PROGRESS_DEFAULTS = { paused: false, stalled: false, runsIn: null };

const DEFAULTS = {
  requestedBy: null,
  priority: null,
  concurrency: 64,
  pausedAt: null,
};

/**
 * An operation without what is nobody's business.
 *
 * @param stored As it stands on disk.
 * @returns What the world is told.
 */
export function toPublic(stored: StoredOperation): RebuildOperation {
  const {
    idempotency: _,
    traceparent: __,
    tracestate: ___,
    rollbacksBefore: ____,
    ...operation
  } = stored;
  return Object.freeze(operation);
}

/** Keeps operations on disk. */
export class OperationStore {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #byKey = new Map<string, KeyedOperation>();
  /** Files whose keys are known: a key is never added later. */
  readonly #keysReadOf = new Set<string>();
  #isNameDurable = false;

  /**
   * @param fileSystem Where.
   * @param directory The folder.
   * @param logger Told of unreadable files.
   * @param readOnly Whether nothing may be written.
   */
  constructor(
    fileSystem: FileSystem,
    directory: string,
    logger: Logger,
    readOnly = false,
  ) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#logger = logger;
    if (readOnly) return;
    try {
      // Other processes replace files in here, too.
      sweepTemporaries(fileSystem, directory, Date.now() - TEMPORARY_MS_MAX);
    } catch (error) {
      // No reason not to open: there is another time to sweep.
      logger.log("warn", "Leftovers of operations could not be swept", {
        error,
      });
    }
  }

  /** Writes an operation down, durably; forgets the oldest when there are too many. */
  async save(operation: StoredOperation): Promise<void> {
    const name = fileNameOf(operation);
    const text = JSON.stringify(operation) + "\n";
    // Only now: it may be that nothing can be written, and only reads are wanted.
    this.#fileSystem.makeDirectory(this.#directory);
    await atomicReplace(this.#fileSystem, join(this.#directory, name), text);
    if (!this.#isNameDurable) {
      // Whoever made the folder may have died before its own name was durable.
      await this.#fileSystem.syncDirectory(dirname(this.#directory));
      this.#isNameDurable = true;
    }
    for (const old of this.#names().slice(HISTORY_MAX)) {
      // Set back, a clock makes the newest look like the oldest; and a rebuild of hours may be
      // older than a thousand others.
      if (old === name || isNeeded(this.#read(old))) continue;
      this.#remove(old);
    }
  }

  /** Forgets an operation that was not begun after all, though its file may be there. */
  forget(operation: StoredOperation): void {
    this.#remove(fileNameOf(operation));
  }

  #remove(name: string): void {
    try {
      this.#fileSystem.remove(join(this.#directory, name));
    } catch (error) {
      // What is written down is, all the same.
      this.#logger.log("warn", "An operation could not be deleted", {
        file: name,
        error,
      });
    }
  }

  /**
   * The operation that was asked for with a key, also of an earlier process, or `undefined`.
   *
   * @param key Digest of the key.
   */
  withKey(key: string): KeyedOperation | undefined {
    const names = this.#names();
    for (const name of names) {
      if (this.#keysReadOf.has(name)) continue;
      const { id, idempotency } = this.#read(name) ?? {};
      // What cannot be read now may be the next time.
      if (id === undefined) continue;
      this.#keysReadOf.add(name);
      if (!idempotency) continue;
      const { key, request } = idempotency;
      this.#byKey.set(key, { id, request });
    }
    const known = new Set(names);
    const ids = new Set(names.map(idOf));
    // As long as the history remembers the operation, and no longer.
    for (const name of this.#keysReadOf) {
      if (!known.has(name)) this.#keysReadOf.delete(name);
    }
    for (const [digest, { id }] of this.#byKey) {
      if (!ids.has(id)) this.#byKey.delete(digest);
    }
    return this.#byKey.get(key);
  }

  /** When anything of the history was written last, in milliseconds since 1970; 0 for never. */
  changedAtMs(): number {
    return this.#fileSystem.stat(this.#directory)?.modifiedMs ?? 0;
  }

  /** Ids of all operations, the newest first. */
  ids(): string[] {
    return this.#names().map(idOf);
  }

  /** An operation by its id. */
  get(id: string): StoredOperation | undefined {
    const name = this.#names().find((name) => idOf(name) === id);
    return name === undefined ? undefined : this.#read(name);
  }

  /**
   * The newest first, read one by one.
   *
   * @param before Begins after this operation.
   * @param known Ids of operations that are passed over unread.
   * @throws {UnknownOperationError} If that operation is not known.
   */
  *newest(
    before?: string,
    known: ReadonlySet<string> = NOTHING_KNOWN,
  ): Generator<StoredOperation, void, void> {
    const names = this.#names();
    const at = before === undefined
      ? -1
      : names.findIndex((name) => idOf(name) === before);
    if (before !== undefined && at < 0) throw new UnknownOperationError(before);
    for (const name of names.slice(at + 1)) {
      if (known.has(idOf(name))) continue;
      const operation = this.#read(name);
      if (operation) yield operation;
    }
  }

  #names(): string[] {
    return this.#fileSystem.list(this.#directory)
      .filter((name) => NAME_PATTERN.test(name)).reverse();
  }

  #read(name: string): StoredOperation | undefined {
    try {
      const text = readTextIfExists(
        this.#fileSystem,
        join(this.#directory, name),
      );
      return text === undefined ? undefined : complete(JSON.parse(text));
    } catch (error) {
      this.#logger.log("warn", "Unreadable operation passed over", {
        file: name,
        error,
      });
      return undefined;
    }
  }
}

/** The name of an operation's file. */
function fileNameOf({ startedAt, id }: StoredOperation): string {
  // A clock that stands before 1970 must not make names that nobody finds again.
  const startedMs = Math.max(Date.parse(startedAt), 0);
  return `${String(startedMs).padStart(15, "0")}-${id}.json`;
}

/** The operation that a file is of. */
function idOf(name: string): string {
  return NAME_PATTERN.exec(name)?.[2] ?? "";
}

/** Whether it goes on, so that a crash must find it, or an operator is to say what becomes of it. */
function isNeeded(operation: StoredOperation | undefined): boolean {
  if (!operation) return false;
  const { state, pausedAt, promote, resumedBy } = operation;
  if (state === "running" || state === "queued") return true;
  return pausedAt !== null ||
    promote === "manual" && isOpen(operation) && resumedBy === undefined;
}

/** Fills in what files of earlier versions do not say. */
function complete(operation: StoredOperation): StoredOperation {
  return {
    ...DEFAULTS,
    ...operation,
    progress: operation.progress.map((each) => ({
      ...PROGRESS_DEFAULTS,
      ...each,
    })),
  };
}
