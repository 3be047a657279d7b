/**
 * What people, backups and synchronisers do to a lock file.
 *
 * @module
 */

/** Each of them, for the path of the file. None may let two in. */
export const LOCK_DISTURBANCES: readonly ((path: string) => void)[] = [
  (path) => Deno.removeSync(path),
  (path) => Deno.renameSync(path, `${path}.old`),
  (path) => {
    Deno.linkSync(path, `${path}.link`);
    Deno.removeSync(path);
  },
  (path) => {
    Deno.writeTextFileSync(`${path}.new`, "");
    Deno.renameSync(`${path}.new`, path);
  },
  (path) => Deno.truncateSync(path),
];
