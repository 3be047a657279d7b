/**
 * What is wrong with the files of a projection, as far as they tell by themselves.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Position } from "../events/event.ts";
import { reasonOf } from "../log/errors.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { fingerprintOf } from "../projections/fingerprint.ts";
import {
  type CurrentFile,
  generationFileName,
  listGenerationFiles,
  newestGeneration,
  readCurrentFile,
} from "../projections/generation_files.ts";
import { checkRows } from "../projections/generation_rows.ts";
import { GENERATION_FORMAT } from "../projections/generation_schema.ts";
import { readCheckedMeta } from "../projections/sqlite_connection.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { isUnreadable } from "../storage/unreadable.ts";
import { faultsOf, openForReading } from "../storage/sqlite_reading.ts";
import type { Finding } from "./finding.ts";

/** Which projection. */
export interface ProjectionFilesOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly name: string;
  /** The store that generations must belong to; `undefined` when nothing tells. */
  readonly storeId: string | undefined;
  /** Its definition, if known. */
  readonly definition: ProjectionDefinition | undefined;
}

/** What is known of a projection's files. */
export interface ProjectionFiles {
  readonly findings: readonly Finding[];
  /** The generation that serves, open for reading; left out when it is of no use. */
  readonly current?: {
    readonly file: string;
    readonly database: DatabaseSync;
    readonly checkpoint: Position;
    /** Whether the definition that is known made it. */
    readonly isOfDefinition: boolean;
  };
}

const OTHER_FILES =
  /^(current\.json|skips\.json|suspect\.json|(live|build|owner)\.lock)$/;
const BESIDE_DATABASE = /\.sqlite-(wal|shm|journal)$/;

/** Looks at the files of a projection. */
export function projectionFiles(
  options: ProjectionFilesOptions,
): ProjectionFiles {
  const { fileSystem, path, name } = options;
  const directory = join(path, "projections", name);
  const findings: Finding[] = [];
  const find = (
    fileName: string,
    what: string,
    rest: Pick<Finding, "remedy" | "harmless">,
  ) =>
    findings.push({ file: `projections/${name}/${fileName}`, what, ...rest });
  let current: CurrentFile | undefined;
  try {
    current = readCurrentFile(fileSystem, directory, name);
  } catch (error) {
    find("current.json", ...unusable((error as Error).cause, "it is damaged"));
  }
  const generations = listGenerationFiles(fileSystem, directory);
  const known = generations.map(({ fileName }) => fileName);
  for (const { fileName, number, building } of generations) {
    // It may be under construction, or continued by the next start; that judges it by itself.
    if (building || number > newestGeneration(current)) {
      const what = "a rebuild under way or interrupted";
      find(fileName, what, { remedy: "none", harmless: true });
    } else if (![current?.generation, current?.previous].includes(number)) {
      const what = "a generation that is of no use any more";
      find(fileName, what, { remedy: "delete", harmless: true });
    }
  }
  for (const fileName of fileSystem.list(directory)) {
    const isOurs = known.includes(fileName) || OTHER_FILES.test(fileName) ||
      BESIDE_DATABASE.test(fileName) || fileName.endsWith(".tmp");
    if (!isOurs) {
      find(fileName, "a foreign file", { remedy: "none", harmless: true });
    }
  }
  if (current === undefined) return { findings };
  const { previous } = current;
  const kept = previous === null
    ? undefined
    : generationFileName(previous, "complete");
  // Nobody misses it before it is gone back to.
  if (previous !== null && kept !== undefined && known.includes(kept)) {
    const { fault, remedy = "move", database } = openGeneration(
      options,
      previous,
    );
    database?.close();
    if (fault) find(kept, fault, { remedy, harmless: false });
  }
  const fileName = generationFileName(current.generation, "complete");
  const opened = openGeneration(options, current.generation);
  const { fault, database, meta } = opened;
  if (fault || !database || !meta) {
    const { remedy = known.includes(fileName) ? "move" : "rebuild" } = opened;
    find(fileName, fault ?? "it is damaged", { remedy, harmless: false });
    database?.close();
    return { findings };
  }
  const { storeId, definition } = options;
  let isOfDefinition = definition !== undefined;
  if (storeId !== undefined && meta.get("storeId") !== storeId) {
    const what = `it was made of another store: ${meta.get("storeId")}`;
    find(fileName, what, { remedy: "rebuild", harmless: false });
    isOfDefinition = false;
  }
  const isStale = definition !== undefined &&
    (meta.get("format") !== GENERATION_FORMAT ||
      meta.get("version") !== definition.version ||
      meta.get("fingerprint") !== fingerprintOf(definition));
  if (isStale) {
    const what = "it was made by another version of the projection";
    find(fileName, what, { remedy: "rebuild", harmless: true });
    isOfDefinition = false;
  }
  const file = `projections/${name}/${fileName}`;
  const checkpoint = Number(meta.get("checkpoint"));
  return { findings, current: { file, database, checkpoint, isOfDefinition } };
}

interface OpenedGeneration {
  readonly fault?: string;
  /** What helps against it; left out for what does where files are damaged. */
  readonly remedy?: "none";
  readonly database?: DatabaseSync;
  readonly meta?: ReadonlyMap<string, unknown>;
}

function openGeneration(
  { fileSystem, path, name }: ProjectionFilesOptions,
  number: number,
): OpenedGeneration {
  const fileName = generationFileName(number, "complete");
  const file = join(path, "projections", name, fileName);
  if (!fileSystem.exists(file)) return { fault: "it is missing" };
  let database: DatabaseSync | undefined;
  try {
    database = openForReading(fileSystem, file);
    const meta = readCheckedMeta(database);
    const fault = faultsOf(database) ?? faultOfMeta(meta, name, database);
    return fault ? { fault, database } : { database, meta };
  } catch (error) {
    database?.close();
    const fault = reasonOf(error);
    return isUnreadable(error)
      ? { fault: unreadableNow(fault), remedy: "none" }
      : { fault };
  }
}

/** What to say of a file that cannot be used, and what helps. */
export function unusable(
  error: unknown,
  damaged: string,
): [what: string, rest: Pick<Finding, "remedy" | "harmless">] {
  return isUnreadable(error)
    ? [
      unreadableNow(reasonOf(error)),
      // Whoever put it away would take from a projection what nothing is wrong with.
      { remedy: "none", harmless: false },
    ]
    : [damaged, { remedy: "move", harmless: false }];
}

function unreadableNow(why: string): string {
  return `it cannot be read just now: ${why}`;
}

function faultOfMeta(
  meta: ReadonlyMap<string, unknown>,
  name: string,
  database: DatabaseSync,
): string | undefined {
  const owner = meta.get("projectionName");
  if (owner !== name) return `it belongs to another projection: ${owner}`;
  const checkpoint = meta.get("checkpoint");
  if (!Number.isSafeInteger(checkpoint) || Number(checkpoint) < 0) {
    return "its checkpoint is no position";
  }
  const count = database.prepare("SELECT count(*) AS count FROM documents")
    .get()?.count;
  const said = meta.get("documents");
  if (count !== said) return `it says ${said} documents and has ${count}`;
  if (meta.get("format") === GENERATION_FORMAT) checkRows(database);
  return undefined;
}
