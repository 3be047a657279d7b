/**
 * Reading as much as there is.
 *
 * @module
 */
import type { FileHandle } from "./file_system.ts";

/**
 * Fills `buffer` from the file, however little each call gives.
 *
 * @param file Where to read.
 * @param buffer What to fill.
 * @param offset Where in the file to begin, in bytes.
 * @returns The bytes read: fewer than asked for only at the end of the file.
 * @throws {Error} With code `EIO`, when the file gives no bytes where it says that there are some:
 * what cannot be read must not be taken for the end.
 */
export function readFully(
  file: FileHandle,
  buffer: Uint8Array,
  offset: number,
): number {
  let filled = 0;
  let hasMore = false;
  while (filled < buffer.length) {
    const at = offset + filled;
    const read = file.readAt(buffer.subarray(filled), at);
    filled += read;
    if (read === 0) {
      if (file.size() <= at) break;
      if (hasMore) throw noBytesError();
      // Somebody may have appended them just now: only bytes that were there before it was read
      // are bytes that cannot be read.
    }
    hasMore = read === 0;
  }
  return filled;
}

function noBytesError(): Error {
  const message = "EIO: the file gives no bytes where it has some";
  return Object.assign(new Error(message), { code: "EIO" });
}

/**
 * Whether what a file holds from an offset to its end is how `bytes` begin, and nothing else.
 *
 * @param file Where to read.
 * @param offset Where in the file to begin, in bytes.
 * @param bytes What should stand there, or a beginning of it.
 */
export function holdsBeginningOf(
  file: FileHandle,
  offset: number,
  bytes: Uint8Array,
): boolean {
  const length = file.size() - offset;
  if (length < 0 || length > bytes.length) return false;
  const found = new Uint8Array(length);
  if (readFully(file, found, offset) < length) return false;
  return found.every((byte, i) => byte === bytes[i]);
}
