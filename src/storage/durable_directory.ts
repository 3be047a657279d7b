/**
 * Creating a folder so that a crash does not take it back, with all that is in it.
 *
 * @module
 */
import { dirname } from "node:path";
import type { FileSystem } from "./file_system.ts";

/**
 * Creates a folder and its parents, and makes their names durable.
 *
 * @param fileSystem Where.
 * @param path The folder; may exist, as whoever created it may have died before it was durable.
 * @returns What kept the name of a folder from being made durable: nobody may read the folder
 * above it. Whatever else goes wrong is thrown.
 */
export async function makeDurableDirectory(
  fileSystem: FileSystem,
  path: string,
): Promise<Error | undefined> {
  const missing: string[] = [];
  let existing = path;
  while (!fileSystem.exists(existing)) {
    missing.unshift(existing);
    existing = dirname(existing);
  }
  let obstacle = await syncName(fileSystem, existing);
  // One by one, so that at most the last one found may lack its sync.
  for (const folder of missing) {
    fileSystem.makeDirectory(folder);
    obstacle = await syncName(fileSystem, folder) ?? obstacle;
  }
  return obstacle;
}

async function syncName(
  fileSystem: FileSystem,
  path: string,
): Promise<Error | undefined> {
  try {
    await fileSystem.syncDirectory(dirname(path));
    return undefined;
  } catch (error) {
    // Often a program may use its own folder and nothing above.
    const isForbidden = error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.PermissionDenied;
    if (isForbidden) return error;
    throw error;
  }
}
