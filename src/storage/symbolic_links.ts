/**
 * Symbolic links in a data folder: refused. One that came with a restored backup would let what is
 * outside of the folder be read or written, which the runtime's permissions do not prevent. The
 * folder itself may be named by a link: whoever starts the program chose it.
 *
 * @module
 */
import { lstatSync } from "node:fs";
import { join } from "node:path";

/**
 * Refuses to follow a symbolic link.
 *
 * @param path A file, which need not exist.
 * @throws {Error} With the code `ELOOP`, as the system has it with `O_NOFOLLOW`.
 */
export function refuseLink(path: string): void {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info?.isSymbolicLink()) throw linkError(path);
}

/**
 * Refuses a data folder with a symbolic link anywhere in it: also for a folder, which opening a
 * file in it would follow unseen.
 *
 * @param directory The folder, which need not exist. What cannot be read is passed over: opening
 * it will tell.
 * @throws {Error} With the code `ELOOP`.
 */
export function refuseLinksIn(directory: string): void {
  for (const { name, isSymlink, isDirectory } of entriesOf(directory)) {
    const path = join(directory, name);
    if (isSymlink) throw linkError(path);
    if (isDirectory) refuseLinksIn(path);
  }
}

function entriesOf(directory: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(directory)];
  } catch {
    return [];
  }
}

function linkError(path: string): Error {
  const error = new Error(
    `Symbolic links are not followed in a data folder: ${path}`,
  );
  return Object.assign(error, { code: "ELOOP" });
}
