/**
 * Whether a file is damaged, or only cannot be read just now.
 *
 * @module
 */
import { isOfOpening, isUnwritable, primaryCode } from "./sqlite_errors.ts";

/** Busy, locked, no memory, read-only, disk I/O error, full, cannot be opened, no permission. */
const SYSTEM_CODES = [3, 5, 6, 7, 8, 10, 13, 14];

/** What the system says of a file that is not there, or is none: that does not pass. */
const NO_FILE = ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP"];

/**
 * Whether it is the system that stands in the way (the disk, permissions, room, memory,
 * descriptors, or another process), rather than what stands in a file. Then nothing can be said of
 * the file, and nobody may put it away for it.
 *
 * @param error Whatever was thrown.
 */
export function isUnreadable(error: unknown): boolean {
  const code = primaryCode(error);
  if (code !== undefined) {
    return SYSTEM_CODES.includes(code) || isUnwritable(error);
  }
  if (!(error instanceof Error)) return false;
  if (isOfOpening(error)) return true;
  // Where the runtime has no name for what the system says, it tells the number.
  if (!("code" in error)) return / \(os error \d+\)$/.test(error.message);
  return typeof error.code === "string" && !NO_FILE.includes(error.code) &&
    // The runtime's own, of wrong calls.
    !error.code.startsWith("ERR_");
}
