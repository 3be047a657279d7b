/**
 * Connections to the database of a generation.
 *
 * @module
 */
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import {
  ProjectionDamagedError,
  ProjectionUnavailableError,
} from "./errors.ts";
import { refuseLink } from "../storage/symbolic_links.ts";
import { GENERATION_FORMAT } from "./generation_schema.ts";
import type { BuildIdentity } from "./projection_store.ts";

/** What a connection is for. `"reading"`: in a folder that may not be written to. */
export type ConnectionUse = "serving" | "changing" | "building" | "reading";

// WAL: a commit is atomic without waiting for the disk, and others read meanwhile. A power cut may
// take back the last commits, never a part of one: they are applied again.
const LIVE = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";

const SETTINGS: Readonly<Record<Exclude<ConnectionUse, "reading">, string>> = {
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
  refuseLink(file);
  if (use === "reading") return connectToRead(file);
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

/**
 * Opens a database that nothing is to be changed in. Beside a live writer that is SQLite's own
 * business. But where nobody has it open, SQLite would have to create files beside it: if it
 * cannot, the database is either complete by itself, or read from a copy in the system's folder
 * for temporary files, with what was written last.
 */
function connectToRead(file: string): DatabaseSync {
  try {
    return openToRead(file);
  } catch (error) {
    if (!UNWRITABLE_CODES.includes(sqliteCode(error) ?? 0)) throw error;
  }
  if (sizeOf(`${file}-wal`) > 0) return openCopy(file);
  const url = pathToFileURL(file);
  // Without it, SQLite would look for the files that it cannot create.
  url.searchParams.set("immutable", "1");
  try {
    return openToRead(url);
  } catch {
    // The runtime takes no URL where it may read only some folders.
    return openCopy(file);
  }
}

function openToRead(file: string | URL): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    // Only now the files are opened.
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function openCopy(file: string): DatabaseSync {
  const directory = Deno.makeTempDirSync({ prefix: "opossum_" });
  try {
    const copy = join(directory, basename(file));
    for (const suffix of ["", "-wal"]) {
      if (sizeOf(file + suffix) > 0) {
        Deno.copyFileSync(file + suffix, copy + suffix);
      }
    }
    return openToRead(copy);
  } finally {
    // What is open stays readable until it is closed.
    Deno.removeSync(directory, { recursive: true });
  }
}

function sizeOf(file: string): number {
  try {
    return Deno.statSync(file).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** "Read-only", "disk I/O error" and "cannot be opened": what SQLite says where it cannot write. */
const UNWRITABLE_CODES = [8, 10, 14];

/** Busy, locked, no memory, full, cannot be opened, no permission, read-only: nothing is damaged. */
const PASSING_CODES = [3, 5, 6, 7, 8, 13, 14];

/** What the system says when it is not the file that is wrong. */
const PASSING_SYSTEM_CODES = ["EMFILE", "ENFILE", "EACCES", "EPERM", "ENOSPC"];

/** SQLite's primary code of an error that comes from it. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error
    ? Number(error.errcode) & 0xff
    : undefined;
}

/** Whether an error speaks of permissions, memory, room or descriptors, rather than of the file. */
export function isPassing(error: unknown): boolean {
  const code = sqliteCode(error);
  if (code !== undefined) return PASSING_CODES.includes(code);
  return error instanceof Error && "code" in error &&
    PASSING_SYSTEM_CODES.includes(String(error.code));
}

/**
 * What to tell of a projection's file that cannot be used: what passes, apart from what only a
 * rebuild mends.
 *
 * @param projectionName The projection.
 * @param file The file, within the data folder.
 * @param cause What was thrown.
 */
export function asUnusable(
  projectionName: string,
  file: string,
  cause: unknown,
): ProjectionDamagedError | ProjectionUnavailableError {
  const ErrorClass = isPassing(cause)
    ? ProjectionUnavailableError
    : ProjectionDamagedError;
  return new ErrorClass(projectionName, file, { cause });
}
