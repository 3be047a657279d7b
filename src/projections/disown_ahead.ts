/**
 * Generations that have applied other events than the log holds. After an older backup of it was
 * put back, those that are ahead hold events that will be written over. Once the log went on, they
 * are told by the event that stands at their checkpoint now.
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
  checkpointOf,
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
  /** Id of the event at a position up to that. */
  readonly idAt: (position: Position) => string;
}

/**
 * Marks every generation that is ahead of the log, or has another event at its checkpoint, as one
 * of another log, so that it is stale and rebuilt, also after as many events were appended as it
 * has applied. Call it before anything can be appended.
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
        const message = checkpoint > head
          ? "A projection is ahead of the log, rebuild it"
          : "A projection has applied other events than the log holds, rebuild it";
        logger.log("warn", message, {
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

/** The generation's checkpoint, if it is of another history and was not marked before. */
function disown(
  { fileSystem, clock, directory, head, idAt }: DisownOptions,
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
    return markIfForeign(database, head, idAt);
  } finally {
    database.close();
  }
}

const MARK = " (before it was put back)";

function markIfForeign(
  database: DatabaseSync,
  head: Position,
  idAt: (position: Position) => string,
): Position | undefined {
  const meta = readCheckedMeta(database);
  const [checkpoint, checkpointId] = checkpointOf(meta);
  const storeId = String(meta.get("storeId"));
  if (storeId.endsWith(MARK)) return undefined;
  if (checkpoint <= head) {
    // Not known: as before the first event, or in the format before.
    if (!checkpointId || idAt(checkpoint) === checkpointId) return undefined;
  }
  writeStoreId(database, meta, storeId + MARK);
  return checkpoint;
}
