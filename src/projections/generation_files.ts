/**
 * The files of a projection: their names, and the file that says which generation serves.
 *
 * ```
 * projections/CourseDetails/
 *   current.json            {"generation":7,"previous":6,"crc":"…"}, replaced atomically; after a
 *                           rollback also "rolledBack":{"at":"…","version":2,"fingerprint":"…","id":"…"}
 *   000006.sqlite           the one before, kept for going back; after a rollback the newer one
 *   000007.sqlite           the one that serves
 *   000008.building.sqlite  one under construction
 *   live.lock, build.lock, owner.lock   flock(2); never deleted
 * ```
 *
 * @module
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { atomicReplace, readTextIfExists } from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { RolledBack } from "./projection_store.ts";
import { asUnusable } from "./unusable_files.ts";

const FILE_PATTERN = /^(\d{6,15})(\.building)?\.sqlite$/;
const COMPANION_PATTERN =
  /^(\d{6,15}(?:\.building)?\.sqlite)-(?:wal|shm|journal)$/;
/** The file that says which generation serves. */
export const CURRENT = "current.json";

/** What `current.json` says. */
export interface CurrentFile {
  /** The generation that serves. */
  readonly generation: number;
  /** The one that served before it, or `null`. The newer one after a rollback. */
  readonly previous: number | null;
  /** The operator's decision to serve an older one, or `null`. */
  readonly rolledBack: RolledBack | null;
}

/** A generation's file. */
export interface GenerationFile {
  /** Its number. */
  readonly number: number;
  /** Whether it is under construction. */
  readonly building: boolean;
  /** Its name within the folder. */
  readonly fileName: string;
}

/** The name of a generation's file. */
export function generationFileName(
  number: number,
  stage: "building" | "complete",
): string {
  const middle = stage === "building" ? ".building" : "";
  return `${String(number).padStart(6, "0")}${middle}.sqlite`;
}

/** The generation files in a projection's folder, in order of number. */
export function listGenerationFiles(
  fileSystem: FileSystem,
  directory: string,
): GenerationFile[] {
  const files: GenerationFile[] = [];
  for (const fileName of fileSystem.list(directory)) {
    const match = FILE_PATTERN.exec(fileName);
    if (!match) continue;
    files.push({
      number: Number(match[1]),
      building: match[2] !== undefined,
      fileName,
    });
  }
  return files.sort((a, b) => a.number - b.number);
}

/** Deletes a generation's database and what SQLite keeps beside it. */
export function removeGenerationFile(
  fileSystem: FileSystem,
  directory: string,
  fileName: string,
): void {
  // The database goes first: a lone -wal is never taken for data, a lone database would be.
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    fileSystem.remove(join(directory, fileName + suffix));
  }
}

/** Deletes what SQLite kept beside databases that are gone: a crash came while one was deleted. */
export function sweepCompanions(
  fileSystem: FileSystem,
  directory: string,
): void {
  for (const fileName of fileSystem.list(directory)) {
    const database = COMPANION_PATTERN.exec(fileName)?.[1];
    if (database === undefined) continue;
    if (fileSystem.exists(join(directory, database))) continue;
    fileSystem.remove(join(directory, fileName));
  }
}

/**
 * Changes whenever `current.json` is replaced; `undefined` when there is none.
 *
 * @throws {ProjectionDamagedError | ProjectionUnavailableError} If that cannot be told.
 */
export function currentFileVersion(
  fileSystem: FileSystem,
  directory: string,
  projectionName: string,
): string | undefined {
  try {
    const stat = fileSystem.stat(join(directory, CURRENT));
    return stat && `${stat.identity}:${stat.modifiedMs}`;
  } catch (cause) {
    const file = `projections/${projectionName}/${CURRENT}`;
    throw asUnusable(projectionName, file, cause);
  }
}

/**
 * Reads `current.json`.
 *
 * @returns Which generation serves, or `undefined` when none was ever swapped in.
 * @throws {ProjectionDamagedError} If the file is not what was written.
 * @throws {ProjectionUnavailableError} If it cannot be read now.
 */
export function readCurrentFile(
  fileSystem: FileSystem,
  directory: string,
  projectionName: string,
): CurrentFile | undefined {
  const file = `projections/${projectionName}/${CURRENT}`;
  const damaged = (cause: unknown) => asUnusable(projectionName, file, cause);
  let value: unknown;
  try {
    const text = readTextIfExists(fileSystem, join(directory, CURRENT));
    if (text === undefined) return undefined;
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(cause);
  }
  const { generation, previous, rolledBack = null, crc } = Object(value);
  const isNumber = (number: unknown) =>
    Number.isSafeInteger(number) && Number(number) >= 1;
  if (!isNumber(generation) || !(previous === null || isNumber(previous))) {
    throw damaged(new SyntaxError("No generation numbers"));
  }
  // One bit makes another number, and that generation may be there as well.
  const current = { generation, previous, rolledBack };
  if (crc !== crcOf(current)) {
    throw damaged(new SyntaxError("The checksum does not match"));
  }
  return current;
}

/** The newest generation that was ever swapped in; 0 for none. */
export function newestGeneration(current: CurrentFile | undefined): number {
  return Math.max(current?.generation ?? 0, current?.previous ?? 0);
}

/** Replaces `current.json`, atomically and durably. */
export async function writeCurrentFile(
  fileSystem: FileSystem,
  directory: string,
  current: CurrentFile,
): Promise<void> {
  const { rolledBack, ...numbers } = current;
  // Mostly left out, so that what was written before there were rollbacks reads the same.
  const order = rolledBack ? { rolledBack } : {};
  await atomicReplace(
    fileSystem,
    join(directory, CURRENT),
    JSON.stringify({ ...numbers, ...order, crc: crcOf(current) }) + "\n",
  );
}

function crcOf({ generation, previous, rolledBack }: CurrentFile): string {
  const order = rolledBack ? `,${JSON.stringify(rolledBack)}` : "";
  const text = `${generation},${previous}${order}`;
  return crc32(text).toString(16).padStart(8, "0");
}
