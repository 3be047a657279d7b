/**
 * Connections to the database of a generation.
 *
 * @module
 */
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { crc32 } from "node:zlib";
import { isUnwritable, primaryCode } from "../storage/sqlite_errors.ts";
import { refuseLink } from "../storage/symbolic_links.ts";
import {
  GENERATION_FORMAT,
  UNCHECKED_FORMAT,
  UNCHECKED_VIEW,
} from "./generation_schema.ts";
import type { BuildIdentity } from "./projection_store.ts";
import { execute } from "../storage/sqlite_execute.ts";

/**
 * What a connection is for. `"reading"`: in a folder that may not be written to. `"scratch"`: for
 * what is thrown away when it is closed. `"alone"`: as `"serving"`, on a disk without room for the
 * memory that SQLite shares between connections, and therefore without any other connection.
 */
export type ConnectionUse =
  | "serving"
  | "changing"
  | "building"
  | "scratch"
  | "reading"
  | "alone";

// WAL: a commit is atomic without waiting for the disk, and others read meanwhile. A power cut may
// take back the last commits, never a part of one: they are applied again.
const LIVE = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";

const SETTINGS: Readonly<Record<Exclude<ConnectionUse, "reading">, string>> = {
  serving: LIVE,
  // Moving pages from the log into the database waits for the disk twice, and a page that was
  // changed many times is moved once: up to 32 MiB are left in the log.
  changing: `${LIVE}; PRAGMA wal_autocheckpoint = 4000; ` +
    "PRAGMA journal_size_limit = 33554432; PRAGMA cache_size = -2048",
  // Nothing is shared. Nobody waits for others: they may be of this very process.
  alone: "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE",
  // Nobody reads it, and most of what is written is new pages: those need no journal, whereas
  // WAL would write all of them twice. Commits are few, so each may wait for the disk. Pages and
  // cache are larger, for rows in order of key.
  building: "PRAGMA page_size = 8192; PRAGMA cache_size = -8192; " +
    "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL",
  // One file, which nobody reads again: nothing in it waits for the disk. Its journal is in memory:
  // a kill would leave one behind, and the runtime's SQLite ignores that there is to be none.
  scratch: "PRAGMA cache_size = -8192; PRAGMA journal_mode = MEMORY; " +
    "PRAGMA synchronous = OFF",
};

/** Opens a database with the settings of its use. */
export function connect(file: string, use: ConnectionUse): DatabaseSync {
  refuseLink(file);
  if (use === "reading") return connectToRead(file);
  const database = new DatabaseSync(file);
  try {
    execute(database, `PRAGMA busy_timeout = 5000; ${SETTINGS[use]}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a database that is there already: one that is missing would be begun, empty. */
export function connectExisting(
  file: string,
  use: ConnectionUse,
): DatabaseSync {
  Deno.lstatSync(file);
  return connect(file, use);
}

/** Opens a database to serve, alone where there is no room to do so with others. */
export function connectToServe(file: string): DatabaseSync {
  try {
    return connect(file, "serving");
  } catch (error) {
    if (!isUnshareable(error)) throw error;
    return connect(file, "alone");
  }
}

/**
 * Whether a database could not be opened for want of what SQLite shares between connections, a
 * file of its own: no room, or none for another file.
 */
export function isUnshareable(error: unknown): boolean {
  return isUnwritable(error) || primaryCode(error) === CANNOT_OPEN;
}

/** Reads several things as they are at one moment, whatever another process commits meanwhile. */
export function readAtOnce<T>(database: DatabaseSync, read: () => T): T {
  execute(database, "BEGIN");
  try {
    return read();
  } finally {
    execute(database, "COMMIT");
  }
}

/**
 * Moves what stands in the log of a database into it, which takes no more room as a rule, and cuts
 * the log. On a full disk it cannot grow, and is moved only when it has grown: nothing could be
 * changed any more, however much room there is in it.
 *
 * @param database The database, in no transaction.
 */
export function giveBackRoom(database: DatabaseSync): void {
  try {
    execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // There is not enough room for that either: the next try finds out.
  }
}

/** What a generation says about itself. */
function readMeta(database: DatabaseSync): Map<string, unknown> {
  const rows = database.prepare("SELECT name, value FROM meta").all();
  return new Map(rows.map(({ name, value }) => [String(name), value]));
}

/**
 * What a generation says about itself, checked: a checkpoint that is read wrong would leave events
 * out, or apply them twice.
 *
 * @param database The generation.
 * @returns Names and values.
 * @throws {Error} If it is of another format, not what was written, or was found to be damaged.
 */
export function readCheckedMeta(database: DatabaseSync): Map<string, unknown> {
  const meta = readSoundMeta(database);
  if (meta.has(DAMAGED)) throw new Error(`Found before: ${meta.get(DAMAGED)}`);
  return meta;
}

/**
 * As {@linkcode readCheckedMeta}, also of a generation that was found to be damaged: for whoever
 * looks what is wrong with it.
 *
 * @param database The generation.
 * @returns Names and values.
 * @throws {Error} If it is of another format, or not what was written.
 */
export function readSoundMeta(database: DatabaseSync): Map<string, unknown> {
  const meta = readMeta(database);
  const format = meta.get("format");
  if (format !== GENERATION_FORMAT && format !== UNCHECKED_FORMAT) {
    throw new Error(`Format ${format}`);
  }
  const checksum = checksumOfMeta(identityOf(meta), ...checkpointOf(meta));
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

/**
 * Begins to use a generation. One of the format before is read as it is, but as if made by another
 * definition than any: nothing is written to it, and it is rebuilt.
 *
 * @param database The generation.
 * @param meta What it says about itself.
 * @returns What it was built by.
 */
export function takeUp(
  database: DatabaseSync,
  meta: ReadonlyMap<string, unknown>,
): BuildIdentity {
  const identity = identityOf(meta);
  if (meta.get("format") === GENERATION_FORMAT) return identity;
  database.exec(UNCHECKED_VIEW);
  const fingerprint = `${identity.fingerprint} (format ${UNCHECKED_FORMAT})`;
  return { ...identity, fingerprint };
}

/**
 * How far a generation says that it is.
 *
 * @param meta What it says about itself.
 * @returns The position, and the id of the event there: empty if it was not known, `undefined` in
 * the format that had none.
 */
export function checkpointOf(
  meta: ReadonlyMap<string, unknown>,
): [checkpoint: number, checkpointId: string | undefined] {
  const id = meta.get("checkpointId");
  return [
    Number(meta.get("checkpoint")),
    id === undefined ? undefined : String(id),
  ];
}

/** What a generation says about how far it is, with the checksum over that and its identity. */
export function checkpointMeta(
  identity: BuildIdentity,
  checkpoint: number,
  checkpointId: string,
): Readonly<Record<string, string | number>> {
  const checksum = checksumOfMeta(identity, checkpoint, checkpointId);
  return { checkpoint, checkpointId, checksum };
}

/** The checksum of what decides whether and where a generation goes on. */
function checksumOfMeta(
  { projectionName, version, fingerprint, storeId }: BuildIdentity,
  checkpoint: number,
  checkpointId: string | undefined,
): number {
  const covered = [projectionName, version, fingerprint, storeId, checkpoint];
  return crc32(
    JSON.stringify(
      checkpointId === undefined ? covered : [...covered, checkpointId],
    ),
  );
}

/** What a generation says about itself once damage was found in it. */
export const DAMAGED = "damaged";

/**
 * Writes down that a generation is damaged: whoever opens it next need not come upon the same row.
 *
 * @param file The database.
 * @param what What was found.
 * @returns Whether it was written. It does not wait for a commit that is going on.
 */
export function markDamaged(file: string, what: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    // Opening a missing database would create an empty one.
    Deno.lstatSync(file);
    refuseLink(file);
    database = new DatabaseSync(file, { timeout: 0 });
    database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")
      .run(DAMAGED, what);
    return true;
  } catch {
    return false;
  } finally {
    database?.close();
  }
}

/** Makes a generation one of another store. */
export function writeStoreId(
  database: DatabaseSync,
  meta: ReadonlyMap<string, unknown>,
  storeId: string,
): void {
  const identity = { ...identityOf(meta), storeId };
  const checksum = checksumOfMeta(identity, ...checkpointOf(meta));
  execute(database, "BEGIN IMMEDIATE");
  const update = database.prepare("UPDATE meta SET value = ? WHERE name = ?");
  update.run(storeId, "storeId");
  update.run(checksum, "checksum");
  execute(database, "COMMIT");
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
    if (!UNWRITABLE_CODES.includes(primaryCode(error) ?? 0)) throw error;
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
    execute(database, "PRAGMA busy_timeout = 5000");
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

const CANNOT_OPEN = 14;

/** "Read-only", "disk I/O error" and "cannot be opened": what SQLite says where it cannot write. */
const UNWRITABLE_CODES = [8, 10, CANNOT_OPEN];
