/**
 * Undoing a write that failed.
 *
 * @module
 */
import type { FileHandle } from "../storage/file_system.ts";
import { holdsBeginningOf } from "../storage/read_fully.ts";
import { interference, RollbackError } from "./write_errors.ts";

/**
 * Undoes a write, of which any part may stand in the file.
 *
 * @param file The file.
 * @param offset Where it ended before, in bytes.
 * @param frames What was being written.
 * @throws {RollbackError} If it cannot be undone, or something else stands there.
 */
export function rollBack(
  file: FileHandle,
  offset: number,
  frames: Uint8Array,
): void {
  try {
    if (file.size() === offset) return;
    if (!holdsBeginningOf(file, offset, frames)) throw interference();
    file.truncate(offset);
  } catch (cause) {
    throw new RollbackError({ cause });
  }
}
