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

const NAME_PATTERN = /^(\d{15})-([0-9a-f]{32})\.json$/;
/** How many operations are remembered. */
const HISTORY_MAX = 1_000;

/** No replacement takes this long. */
const TEMPORARY_MS_MAX = 600_000;

/** Keeps operations on disk. */
export class OperationStore {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #logger: Logger;
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
  async save(operation: RebuildOperation): Promise<void> {
    // A clock that stands before 1970 must not make names that nobody finds again.
    const startedMs = Math.max(Date.parse(operation.startedAt), 0);
    const name = `${String(startedMs).padStart(15, "0")}-${operation.id}.json`;
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
      // Set back, a clock makes the newest look like the oldest.
      if (old !== name) this.#fileSystem.remove(join(this.#directory, old));
    }
  }

  /** An operation by its id. */
  get(id: string): RebuildOperation | undefined {
    const name = this.#names().find((name) =>
      NAME_PATTERN.exec(name)?.[2] === id
    );
    return name === undefined ? undefined : this.#read(name);
  }

  /** The newest first. */
  list(limit: number): RebuildOperation[] {
    const operations: RebuildOperation[] = [];
    for (const name of this.#names()) {
      if (operations.length === limit) break;
      const operation = this.#read(name);
      if (operation) operations.push(operation);
    }
    return operations;
  }

  #names(): string[] {
    return this.#fileSystem.list(this.#directory)
      .filter((name) => NAME_PATTERN.test(name)).reverse();
  }

  #read(name: string): RebuildOperation | undefined {
    try {
      const text = readTextIfExists(
        this.#fileSystem,
        join(this.#directory, name),
      );
      return text === undefined ? undefined : JSON.parse(text);
    } catch (error) {
      this.#logger.log("warn", "Unreadable operation passed over", {
        file: name,
        error,
      });
      return undefined;
    }
  }
}
