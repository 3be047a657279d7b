/**
 * A file system that only reads, and sees files as they were at some moment.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "./file_system.ts";

/**
 * A view of a file system through which nothing can be changed.
 *
 * @param fileSystem What is looked at.
 * @param sizes Files that look no longer than that, in bytes, whatever is appended to them.
 * @returns The view: all files open for reading, and what would change any throws.
 */
export function readOnlyView(
  fileSystem: FileSystem,
  sizes: ReadonlyMap<string, number> = new Map(),
): FileSystem {
  return {
    list: (path) => fileSystem.list(path),
    exists: (path) => fileSystem.exists(path),
    stat: (path) => fileSystem.stat(path),
    open(path) {
      const file = fileSystem.open(path, { mode: "read" });
      return new ReadOnlyHandle(file, sizes.get(path) ?? Infinity);
    },
    makeDirectory: refuse,
    rename: refuse,
    remove: refuse,
    syncDirectory: refuse,
  };
}

class ReadOnlyHandle implements FileHandle {
  readonly append = refuse;
  readonly truncate = refuse;
  readonly sync = refuse;
  readonly tryLock = refuse;
  readonly unlock = refuse;
  readonly #file: FileHandle;
  readonly #sizeMax: number;

  constructor(file: FileHandle, sizeMax: number) {
    this.#file = file;
    this.#sizeMax = sizeMax;
  }

  readAt(buffer: Uint8Array, offset: number): number {
    const left = Math.max(0, this.#sizeMax - offset);
    const part = left < buffer.length ? buffer.subarray(0, left) : buffer;
    return part.length === 0 ? 0 : this.#file.readAt(part, offset);
  }

  size(): number {
    return Math.min(this.#file.size(), this.#sizeMax);
  }

  stat(): ReturnType<FileHandle["stat"]> {
    // Not spread: what a stat says may come from getters of its class.
    const { identity, modifiedMs } = this.#file.stat();
    return { identity, modifiedMs, size: this.size() };
  }

  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function refuse(): never {
  throw new TypeError("Cannot change files through a view for reading");
}
