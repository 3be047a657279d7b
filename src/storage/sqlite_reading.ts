/**
 * Looking at a SQLite database without changing it.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { FileSystem } from "./file_system.ts";
import { refuseLink } from "./symbolic_links.ts";

/** A connection for reading, which leaves no file behind. */
class ReadingDatabase extends DatabaseSync {
  readonly #file: string;
  readonly #isClean: boolean;

  constructor(file: string, isClean: boolean) {
    super(file, { readOnly: true, timeout: 5_000 });
    this.#file = file;
    this.#isClean = isClean;
  }

  override close(): void {
    super.close();
    if (!this.#isClean) return;
    try {
      // Deleted meanwhile, as by whoever swaps in a newer one, it would be begun anew, empty.
      Deno.lstatSync(this.#file);
      // In WAL mode a reader makes files beside the database, and may not delete them. Whoever may
      // write does so when closing as the last one, which only SQLite itself can tell.
      using database = new DatabaseSync(this.#file, { timeout: 5_000 });
      database.prepare("SELECT count(*) FROM sqlite_master").get();
    } catch {
      // Damaged, or on a disk that is read-only: nothing was made.
    }
  }

  override [Symbol.dispose](): void {
    if (this.isOpen) this.close();
  }
}

/**
 * Opens a database for reading. What is read later is what was there at this moment, whatever
 * others commit.
 *
 * @param fileSystem Where the files beside it are looked for.
 * @param file The database.
 * @returns The connection, in a transaction. Dispose it.
 * @throws {Error} With the code `ELOOP` if it is a symbolic link, or whatever SQLite finds wrong.
 */
export function openForReading(
  fileSystem: FileSystem,
  file: string,
): DatabaseSync {
  refuseLink(file);
  const isClean = !fileSystem.exists(`${file}-wal`) &&
    !fileSystem.exists(`${file}-journal`);
  const database = new ReadingDatabase(file, isClean);
  try {
    database.exec("BEGIN");
    // The transaction begins with the first look.
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * What SQLite finds wrong with a database, page by page.
 *
 * @param database The database.
 * @returns The first complaint; `undefined` when there is none.
 */
export function faultsOf(database: DatabaseSync): string | undefined {
  const row = database.prepare("PRAGMA integrity_check(1)").get();
  const [words] = Object.values(row ?? {});
  return words === "ok" ? undefined : String(words);
}
