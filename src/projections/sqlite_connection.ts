/**
 * Connections to the database of a generation.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** Opens a database with the settings that every generation has. */
export function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // WAL: a commit is atomic without waiting for the disk, and other processes read meanwhile.
    // A power cut may take back the last commits, never a part of one: they are applied again.
    database.exec(
      "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What a generation says about itself. */
export function readMeta(database: DatabaseSync): Map<string, unknown> {
  const rows = database.prepare("SELECT name, value FROM meta").all();
  return new Map(rows.map(({ name, value }) => [String(name), value]));
}
