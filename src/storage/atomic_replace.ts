/**
 * Replacing a small file so that a crash leaves either the old content or the new.
 *
 * @module
 */
import { dirname } from "node:path";
import type { FileSystem } from "./file_system.ts";
import { readFully } from "./read_fully.ts";

/** What the names of unfinished replacements end in; swept at start-up. */
const TEMPORARY_SUFFIX = ".tmp";

/**
 * Replaces the content of `path`: write aside, sync, rename, sync the folder.
 *
 * @param fileSystem Where.
 * @param path The file; its folder must exist.
 * @param content The new content.
 */
export async function atomicReplace(
  fileSystem: FileSystem,
  path: string,
  content: string,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}${TEMPORARY_SUFFIX}`;
  try {
    using file = fileSystem.open(temporary, { mode: "createNew" });
    appendFully(file, new TextEncoder().encode(content));
    // Name before content would leave an empty file behind a power cut.
    await file.sync();
    file.close();
    fileSystem.rename(temporary, path);
  } catch (error) {
    fileSystem.remove(temporary);
    throw error;
  }
  await fileSystem.syncDirectory(dirname(path));
}

/**
 * Writes all of `bytes`, however little each call takes.
 *
 * @param file Where to write.
 * @param bytes What to write.
 */
export function appendFully(
  file: { append(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let written = 0; written < bytes.length;) {
    written += file.append(bytes.subarray(written));
  }
}

/**
 * Reads a small file whole.
 *
 * @param fileSystem Where.
 * @param path The file.
 * @returns Its text, or `undefined` when it does not exist.
 */
export function readTextIfExists(
  fileSystem: FileSystem,
  path: string,
): string | undefined {
  const bytes = readBytesIfExists(fileSystem, path);
  return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/**
 * Reads a small file whole, whatever stands in it.
 *
 * @param fileSystem Where.
 * @param path The file.
 * @returns Its bytes, or `undefined` when it does not exist.
 */
export function readBytesIfExists(
  fileSystem: FileSystem,
  path: string,
): Uint8Array | undefined {
  if (fileSystem.stat(path) === undefined) return undefined;
  using file = fileSystem.open(path, { mode: "read" });
  const bytes = new Uint8Array(file.stat().size);
  return bytes.subarray(0, readFully(file, bytes, 0));
}

/**
 * Deletes what an interrupted {@linkcode atomicReplace} left in a folder.
 *
 * @param fileSystem Where.
 * @param directory The folder.
 * @param unchangedSinceMs Only what was not written to since then, in milliseconds since 1970:
 * needed where no lock keeps other processes from replacing files meanwhile.
 */
export function sweepTemporaries(
  fileSystem: FileSystem,
  directory: string,
  unchangedSinceMs = Infinity,
): void {
  for (const name of fileSystem.list(directory)) {
    if (!name.endsWith(TEMPORARY_SUFFIX)) continue;
    const path = `${directory}/${name}`;
    const modifiedMs = fileSystem.stat(path)?.modifiedMs ?? Infinity;
    if (modifiedMs <= unchangedSinceMs) fileSystem.remove(path);
  }
}
