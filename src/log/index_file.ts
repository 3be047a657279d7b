/**
 * Opening the index file and deleting it, by one process at a time.
 *
 * What SQLite keeps beside a database is found by its name. Who deletes all of it while another
 * process has just opened, or begun, the file would leave the two of them writing to one database
 * through two logs, and rows of the index would get lost.
 *
 * @module
 */
import type { FileSystem } from "../storage/file_system.ts";
import { isBusy } from "../storage/sqlite_errors.ts";
import { refuseLink } from "../storage/symbolic_links.ts";
import { fileErrorCode } from "./errors.ts";
import { IndexBusyError } from "./index_mismatch.ts";
import { PositionIndex } from "./position_index.ts";
import { STORE_FILE } from "./store_identity.ts";

/** The index file's name within the data folder. */
export const INDEX_FILE = "index.sqlite";

/** Where the index is, and whose. */
export interface IndexFileOptions {
  readonly fileSystem: FileSystem;
  /** The data folder, with a store in it. */
  readonly path: string;
  readonly storeId: string;
}

/** Each waits for SQLite's own timeout, so that this is a second. */
const OPENINGS_MAX = 20;

/** Others need a few milliseconds; one that is stopped is not waited for. */
const TRIES_MAX = 50;
const WAIT_MS = 5;

/**
 * Opens the index file, beginning it when it is missing.
 *
 * @param options Where.
 * @returns The index.
 * @throws {IndexBusyError} If another process is at it, and stays there.
 */
export function openIndexFile(options: IndexFileOptions): PositionIndex {
  using _alone = keepOthersOut(options);
  return open(options);
}

/**
 * Deletes the index file and begins a new one. Who has the old one open goes on with that.
 *
 * @param options Where.
 * @returns The index, which is empty.
 * @throws {IndexBusyError} If another process is at it, and stays there.
 */
export function beginIndexFile(options: IndexFileOptions): PositionIndex {
  using _alone = keepOthersOut(options);
  remove(options);
  return open(options);
}

/**
 * Deletes the index file.
 *
 * @param options Where.
 * @throws {IndexBusyError} If another process is at it, and stays there.
 */
export function removeIndexFile(
  options: Omit<IndexFileOptions, "storeId">,
): void {
  using _alone = keepOthersOut(options);
  remove(options);
}

function open(
  { fileSystem, path, storeId }: IndexFileOptions,
): PositionIndex {
  const file = `${path}/${INDEX_FILE}`;
  refuseLink(file);
  for (let tries = 1;; tries++) {
    try {
      const database = fileSystem.openDatabase?.(file) ?? file;
      return new PositionIndex(database, storeId);
    } catch (error) {
      // Whoever closes it as the last one keeps others out while it tidies up.
      if (!isBusy(error) || tries === OPENINGS_MAX) throw error;
    }
  }
}

function remove(
  { fileSystem, path }: Omit<IndexFileOptions, "storeId">,
): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    fileSystem.remove(`${path}/${INDEX_FILE}${suffix}`);
  }
}

/** A lock on `store.json`, which is there and never replaced: closing the file lets it go. */
function keepOthersOut(
  { fileSystem, path }: Omit<IndexFileOptions, "storeId">,
): Disposable | undefined {
  using resources = new DisposableStack();
  try {
    const mode = "read";
    const file = resources.use(
      fileSystem.open(`${path}/${STORE_FILE}`, { mode }),
    );
    for (let tries = 1; !file.tryLock(); tries++) {
      if (tries === TRIES_MAX) throw new IndexBusyError();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
    }
    return resources.move();
  } catch (error) {
    // Where the system gives no lock or no file, SQLite says what else it does not give.
    if (fileErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
