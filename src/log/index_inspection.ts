/**
 * Looking at the index file without changing it.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { openForReading } from "../storage/sqlite_reading.ts";
import { INDEX_FILE } from "./log_index.ts";
import { readMark } from "./index_mark.ts";

/**
 * How far the index proves the log to have been durable.
 *
 * @param fileSystem Where.
 * @param path The data folder.
 * @param storeId The store that it must belong to.
 * @returns The position; 0 when there is no index or it proves nothing.
 */
export function readWatermark(
  fileSystem: FileSystem,
  path: string,
  storeId: string,
): Position {
  const file = `${path}/${INDEX_FILE}`;
  if (!fileSystem.exists(file)) return 0;
  try {
    using database = openForReading(fileSystem, file);
    return readMark(database, storeId).through;
  } catch {
    // It is derived: whatever is wrong with it, it is made again.
    return 0;
  }
}
