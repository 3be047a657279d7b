/**
 * Looking at a SQLite database without changing it.
 *
 * @module
 */
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { FileSystem } from "./file_system.ts";

/**
 * Opens a database for reading. What is read later is what was there at this moment, whatever
 * others commit.
 *
 * @param fileSystem Where the files beside it are looked for.
 * @param file The database.
 * @returns The connection, in a transaction. Dispose it.
 * @throws Whatever SQLite finds wrong.
 */
export function openForReading(
  fileSystem: FileSystem,
  file: string,
): DatabaseSync {
  const url = pathToFileURL(resolve(file));
  // Even for reading, SQLite would create files beside a database in WAL mode. Nobody who has it
  // open does without the -wal, so that without one nothing changes it.
  const hasWal = fileSystem.exists(`${file}-wal`) ||
    fileSystem.exists(`${file}-journal`);
  url.search = hasWal ? "" : "?immutable=1";
  const database = new DatabaseSync(url, { readOnly: true, timeout: 5_000 });
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
