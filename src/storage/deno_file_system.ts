/**
 * The file system of the machine.
 *
 * @module
 */
import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type {
  FileHandle,
  FileStat,
  FileSystem,
  OpenFileOptions,
} from "./file_system.ts";
import { refuseLink } from "./symbolic_links.ts";

/** The file system that Deno offers. */
export const denoFileSystem: FileSystem = {
  open(path, options) {
    // A new file is never one that a link names: the system sees to that.
    if (options.mode !== "createNew") refuseLink(path);
    return new DenoFileHandle(Deno.openSync(path, openOptions(options)));
  },
  makeDirectory(path) {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  },
  list(path) {
    return orWhenMissing(
      () => [...Deno.readDirSync(path)].map(({ name }) => name).sort(),
      [],
    );
  },
  stat(path) {
    return orWhenMissing(
      () => new DenoFileStat(Deno.lstatSync(path)),
      undefined,
    );
  },
  exists(path) {
    // Deno's own calls throw where nothing is, which takes eight times as long.
    return existsSync(path);
  },
  type(path) {
    return Deno.build.os === "linux" ? statFileSystem(path)?.type : undefined;
  },
  freeBytes(path) {
    const stat = statFileSystem(path);
    // What others than root may take.
    return stat && stat.bavail * stat.bsize;
  },
  rename(from, to) {
    Deno.renameSync(from, to);
  },
  remove(path) {
    orWhenMissing(() => Deno.removeSync(path), undefined);
  },
  rewrite(path, offset, bytes) {
    // Not with O_APPEND, which writes at the end whatever is asked for.
    using file = Deno.openSync(path, { read: true, write: true });
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let written = 0; written < bytes.length;) {
      written += file.writeSync(bytes.subarray(written));
    }
  },
  async syncDirectory(path) {
    using directory = Deno.openSync(path, { read: true });
    await directory.sync();
  },
};

class DenoFileHandle implements FileHandle {
  readonly #file: Deno.FsFile;
  #open = true;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  readAt(buffer: Uint8Array, offset: number): number {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    return this.#file.readSync(buffer) ?? 0;
  }

  append(bytes: Uint8Array): number {
    return this.#file.writeSync(bytes);
  }

  truncate(size: number): void {
    this.#file.truncateSync(size);
  }

  stat(): FileStat {
    return new DenoFileStat(this.#file.statSync());
  }

  size(): number {
    // Nothing depends on the file's position: reads set it, writes go to the end.
    return this.#file.seekSync(0, Deno.SeekMode.End);
  }

  sync(): Promise<void> {
    return this.#file.syncData();
  }

  tryLock(kind: "exclusive" | "shared" = "exclusive"): boolean {
    return this.#file.tryLockSync(kind === "exclusive");
  }

  unlock(): void {
    this.#file.unlockSync();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openOptions({ mode }: OpenFileOptions): Deno.OpenOptions {
  if (mode === "read") return { read: true };
  // O_APPEND: each write goes to the end, whatever reads did to the file's position.
  const options = { read: true, append: true, mode: 0o600 };
  return mode === "append"
    ? { ...options, create: true }
    : { ...options, createNew: true };
}

/** Most who ask want only one of these, so that each is made when it is asked for. */
class DenoFileStat implements FileStat {
  readonly #info: Deno.FileInfo;

  constructor(info: Deno.FileInfo) {
    this.#info = info;
  }

  get size(): number {
    return this.#info.size;
  }

  get identity(): string {
    return `${this.#info.dev}:${this.#info.ino}`;
  }

  get modifiedMs(): number {
    return this.#info.mtime?.getTime() ?? 0;
  }
}

/** The path, or the nearest folder above it that exists. */
function nearest(path: string): string {
  return existsSync(path) || path === dirname(path)
    ? path
    : nearest(dirname(path));
}

function orWhenMissing<T>(action: () => T, missing: T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return missing;
    throw error;
  }
}

/** What is used of what `statfs(2)` tells. */
interface FileSystemFacts {
  readonly type: number;
  readonly bavail: number;
  readonly bsize: number;
}

/** What the system tells of the file system that a path is on, or would be. */
function statFileSystem(path: string): FileSystemFacts | undefined {
  // Asked first: to just try would prompt on a terminal.
  const kind = "statfs" as "osRelease";
  const { state } = Deno.permissions.querySync({ name: "sys", kind });
  if (state !== "granted") return undefined;
  try {
    return statfsSync(nearest(resolve(path)), { bigint: false });
  } catch {
    // Some folders of the system tell nothing without all permissions.
    return undefined;
  }
}
