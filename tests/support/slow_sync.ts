/**
 * Syncs that a test holds in its hand.
 *
 * @module
 */
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";

/** A file system in which some files' syncs do what they are told. */
export function withSync(
  part: string,
  sync: (next: () => Promise<void>) => Promise<void>,
): FileSystem {
  return {
    ...denoFileSystem,
    open(path, options) {
      const file = denoFileSystem.open(path, options);
      const next = file.sync.bind(file);
      file.sync = () => path.includes(part) ? sync(next) : next();
      return file;
    },
  };
}
