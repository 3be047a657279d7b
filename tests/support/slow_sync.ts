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

/** Syncs that wait from the first one on, until they are let go on. */
export interface HeldSync {
  /** The file system they are part of. */
  readonly fileSystem: FileSystem;
  /** Resolves when the first of them waits. */
  readonly reached: Promise<void>;
  /** Lets all of them go on. */
  release(): void;
}

/** A file system in which some files' syncs wait until they are let go on. */
export function holdSync(part: string): HeldSync {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const fileSystem = withSync(part, async (next) => {
    reached.resolve();
    await gate.promise;
    await next();
  });
  return { fileSystem, reached: reached.promise, release: gate.resolve };
}
