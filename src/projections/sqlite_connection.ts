/**
 * Connections to the database of a generation.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { GENERATION_FORMAT } from "./generation_schema.ts";
import type { BuildIdentity } from "./projection_store.ts";

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

/**
 * What a generation says about itself, checked: a checkpoint that is read wrong would leave events
 * out, or apply them twice.
 *
 * @param database The generation.
 * @returns Names and values.
 * @throws {Error} If it is of another format, or not what was written.
 */
export function readCheckedMeta(database: DatabaseSync): Map<string, unknown> {
  const meta = readMeta(database);
  const format = meta.get("format");
  if (format !== GENERATION_FORMAT) throw new Error(`Format ${format}`);
  const checkpoint = Number(meta.get("checkpoint"));
  const checksum = checksumOfMeta(identityOf(meta), checkpoint);
  if (meta.get("checksum") !== checksum) {
    throw new Error("The checkpoint or what it was built by is damaged");
  }
  return meta;
}

/** What a generation says that it was built by. */
export function identityOf(meta: ReadonlyMap<string, unknown>): BuildIdentity {
  return {
    projectionName: String(meta.get("projectionName")),
    version: Number(meta.get("version")),
    fingerprint: String(meta.get("fingerprint")),
    storeId: String(meta.get("storeId")),
  };
}

/** The checksum of what decides whether and where a generation goes on. */
export function checksumOfMeta(
  { projectionName, version, fingerprint, storeId }: BuildIdentity,
  checkpoint: number,
): number {
  return crc32(
    JSON.stringify([projectionName, version, fingerprint, storeId, checkpoint]),
  );
}

/** Makes a generation one of another store. */
export function writeStoreId(
  database: DatabaseSync,
  meta: ReadonlyMap<string, unknown>,
  storeId: string,
): void {
  const identity = identityOf(meta);
  const checkpoint = Number(meta.get("checkpoint"));
  const checksum = checksumOfMeta({ ...identity, storeId }, checkpoint);
  database.exec("BEGIN IMMEDIATE");
  const update = database.prepare("UPDATE meta SET value = ? WHERE name = ?");
  update.run(storeId, "storeId");
  update.run(checksum, "checksum");
  database.exec("COMMIT");
}
