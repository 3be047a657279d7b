/**
 * Generations that have applied more than the log holds, as after an older backup of it was put
 * back: they hold events that will be written over.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { FileLock } from "../storage/file_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  type GenerationFile,
  listGenerationFiles,
} from "./generation_files.ts";
import {
  connect,
  connectToServe,
  readCheckedMeta,
  writeStoreId,
} from "./sqlite_connection.ts";

/** Where to look. */
export interface DisownOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The folder of all projections. */
  readonly directory: string;
  /** Position of the last event. */
  readonly head: Position;
}

/**
 * Marks every generation that is ahead of the log as one of another log, so that it is stale and
 * rebuilt, also after as many events were appended as it has applied. Call it before anything can
 * be appended.
 *
 * @param options Where to look.
 */
export function disownAhead(options: DisownOptions): void {
  const { fileSystem, directory, logger, head } = options;
  for (const name of fileSystem.list(directory)) {
    for (const file of filesOf(fileSystem, join(directory, name))) {
      try {
        const checkpoint = disown(options, name, file);
        if (checkpoint === undefined) continue;
        logger.log("warn", "A projection is ahead of the log, rebuild it", {
          projection: name,
          file: file.fileName,
          checkpoint,
          head,
        });
      } catch (error) {
        // Damaged: it is found to be so by whoever needs it.
        logger.log("info", "Cannot tell how far a generation is", {
          projection: name,
          file: file.fileName,
          error,
        });
      }
    }
  }
}

/** A file among the folders is none of ours. */
function filesOf(fileSystem: FileSystem, folder: string): GenerationFile[] {
  try {
    return listGenerationFiles(fileSystem, folder);
  } catch {
    return [];
  }
}

/** The generation's checkpoint, if it is ahead and was not marked before. */
function disown(
  { fileSystem, clock, directory, head }: DisownOptions,
  name: string,
  { fileName, building }: GenerationFile,
): Position | undefined {
  const folder = join(directory, name);
  using lock = new FileLock(fileSystem, join(folder, "build.lock"), clock);
  // Who builds it now reads the log as it is now.
  if (building && !lock.tryAcquire()) return undefined;
  const file = join(folder, fileName);
  const database = building ? connect(file, "building") : connectToServe(file);
  try {
    return markIfAhead(database, head);
  } finally {
    database.close();
  }
}

const MARK = " (before it was put back)";

function markIfAhead(
  database: DatabaseSync,
  head: Position,
): Position | undefined {
  const meta = readCheckedMeta(database);
  const checkpoint = Number(meta.get("checkpoint"));
  const storeId = String(meta.get("storeId"));
  if (checkpoint <= head || storeId.endsWith(MARK)) return undefined;
  writeStoreId(database, meta, storeId + MARK);
  return checkpoint;
}
