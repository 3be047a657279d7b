/**
 * Connections to the database of a generation.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** What a connection is for. */
export type ConnectionUse = "serving" | "changing" | "building";

// WAL: a commit is atomic without waiting for the disk, and others read meanwhile. A power cut may
// take back the last commits, never a part of one: they are applied again.
const LIVE = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";

const SETTINGS: Readonly<Record<ConnectionUse, string>> = {
  serving: LIVE,
  // Moving pages from the log into the database waits for the disk twice, and a page that was
  // changed many times is moved once: up to 32 MiB are left in the log.
  changing: `${LIVE}; PRAGMA wal_autocheckpoint = 4000; ` +
    "PRAGMA journal_size_limit = 33554432; PRAGMA cache_size = -2048",
  // Nobody reads it, and most of what is written is new pages: those need no journal, whereas
  // WAL would write all of them twice. Commits are few, so each may wait for the disk. Pages and
  // cache are larger, for rows in order of key.
  building: "PRAGMA page_size = 8192; PRAGMA cache_size = -8192; " +
    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL",
};

/** Opens a database with the settings of its use. */
export function connect(file: string, use: ConnectionUse): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA busy_timeout = 5000; ${SETTINGS[use]}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Reads several things as they are at one moment, whatever another process commits meanwhile. */
export function readAtOnce<T>(database: DatabaseSync, read: () => T): T {
  database.exec("BEGIN");
  try {
    return read();
  } finally {
    database.exec("COMMIT");
  }
}

/** What a generation says about itself. */
export function readMeta(database: DatabaseSync): Map<string, unknown> {
  const rows = database.prepare("SELECT name, value FROM meta").all();
  return new Map(rows.map(({ name, value }) => [String(name), value]));
}
