/**
 * A disk that fails when told, and tells what was asked of it.
 *
 * @module
 */
import { denoFileSystem } from "../storage/deno_file_system.ts";
import type {
  Database,
  FileHandle,
  FileStat,
  FileSystem,
  OpenFileOptions,
} from "../storage/file_system.ts";

/** What can be asked of a file system, but for closing and unlocking, which never fail. */
export type FileOperationKind =
  | "open"
  | "read"
  | "append"
  | "truncate"
  | "sync"
  | "lock"
  | "makeDirectory"
  | "list"
  | "stat"
  | "rename"
  | "remove"
  | "rewrite"
  | "syncDirectory";

/** Something that was asked of a {@linkcode FaultyFileSystem}. */
export interface FileOperation {
  /** What was asked. */
  readonly kind: FileOperationKind;
  /** The file or folder; of a renaming, the new name. */
  readonly path: string;
  /** How it came out: the code of the injected error, or `undefined` when none was injected. */
  readonly code: string | undefined;
}

/** What is to go wrong, and when. */
export interface Fault {
  /** Which operations count. @default {every kind} */
  readonly kind?: FileOperationKind;
  /** Only those whose path contains this text count. @default {every path} */
  readonly path?: string;
  /** Which of them fails, counted from 1 and from when the fault was injected. @default {1} */
  readonly nth?: number;
  /** How many fail from there on; `Infinity` is a disk that does not come back. @default {1} */
  readonly times?: number;
  /**
   * The system's code for the error, such as `"ENOSPC"`. Left out, nothing is thrown: that makes
   * sense together with `bytesTaken`, as a short write or read.
   */
  readonly code?: string;
  /**
   * An append takes only this many bytes before it fails or returns; a read that does not fail
   * gives only this many. @default {0, and as many as a read asks for}
   */
  readonly bytesTaken?: number;
}

/**
 * A {@linkcode FileSystem} that passes everything on to another one, records it, and fails where
 * it is told to.
 *
 * @example
 * ```ts
 * import { FaultyFileSystem } from "@opossum/deno/testing";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const fileSystem = new FaultyFileSystem();
 * fileSystem.inject({ kind: "open", code: "EMFILE" });
 * assertThrows(() => fileSystem.open("events.ndjson", { mode: "read" }), Error, "EMFILE");
 * assertEquals(fileSystem.operations.map(({ kind }) => kind), ["open"]);
 * ```
 */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #operations: FileOperation[] = [];
  #faults: ActiveFault[] = [];

  /** {@inheritDoc FileSystem.openDatabase} */
  readonly openDatabase?: (path: string) => Database;

  /**
   * Wraps a file system.
   *
   * @param inner What does the work.
   */
  constructor(inner: FileSystem = denoFileSystem) {
    this.#inner = inner;
    if (inner.openDatabase) this.openDatabase = inner.openDatabase.bind(inner);
  }

  /** What was asked so far, in order. */
  get operations(): readonly FileOperation[] {
    return this.#operations;
  }

  /**
   * Lets something go wrong.
   *
   * @param fault What, and when. Where several apply to an operation, the first injected does.
   * @throws {RangeError} If `nth` or `times` is less than 1.
   */
  inject(fault: Fault): void {
    const { nth = 1, times = 1 } = fault;
    if (!(nth >= 1 && times >= 1)) {
      throw new RangeError(
        `Cannot inject the fault as 'nth' and 'times' must be at least 1: current values are ${nth}, ${times}`,
      );
    }
    this.#faults.push({ fault, skip: nth - 1, left: times });
  }

  /** Takes back every injected fault: the disk works again. */
  heal(): void {
    this.#faults = [];
  }

  /** Forgets the operations recorded so far. */
  forget(): void {
    this.#operations.length = 0;
  }

  /** {@inheritDoc FileSystem.open} */
  open(path: string, options: OpenFileOptions): FileHandle {
    this.#run("open", path);
    const handle = this.#inner.open(path, options);
    return new FaultyFileHandle(
      handle,
      path,
      (kind) => this.#strike(kind, path),
    );
  }

  /** {@inheritDoc FileSystem.makeDirectory} */
  makeDirectory(path: string): void {
    this.#run("makeDirectory", path);
    this.#inner.makeDirectory(path);
  }

  /** {@inheritDoc FileSystem.list} */
  list(path: string): string[] {
    this.#run("list", path);
    return this.#inner.list(path);
  }

  /** {@inheritDoc FileSystem.stat} */
  stat(path: string): FileStat | undefined {
    this.#run("stat", path);
    return this.#inner.stat(path);
  }

  /** {@inheritDoc FileSystem.exists} */
  exists(path: string): boolean {
    this.#run("stat", path);
    return this.#inner.exists(path);
  }

  /** {@inheritDoc FileSystem.type} */
  type(path: string): number | undefined {
    return this.#inner.type?.(path);
  }

  /** {@inheritDoc FileSystem.rename} */
  rename(from: string, to: string): void {
    this.#run("rename", to);
    this.#inner.rename(from, to);
  }

  /** {@inheritDoc FileSystem.remove} */
  remove(path: string): void {
    this.#run("remove", path);
    this.#inner.remove(path);
  }

  /** {@inheritDoc FileSystem.rewrite} */
  rewrite(path: string, offset: number, bytes: Uint8Array): void {
    this.#run("rewrite", path);
    this.#inner.rewrite?.(path, offset, bytes);
  }

  /** {@inheritDoc FileSystem.syncDirectory} */
  async syncDirectory(path: string): Promise<void> {
    this.#run("syncDirectory", path);
    await this.#inner.syncDirectory(path);
  }

  /** Records the operation, and throws when it is its turn to fail. */
  #run(kind: FileOperationKind, path: string): void {
    throwInjected(this.#strike(kind, path), kind, path);
  }

  /** Records the operation; returns the fault that strikes it. */
  #strike(kind: FileOperationKind, path: string): Fault | undefined {
    let struck: Fault | undefined;
    for (const active of this.#faults) {
      const { fault } = active;
      if (fault.kind !== undefined && fault.kind !== kind) continue;
      if (fault.path !== undefined && !path.includes(fault.path)) continue;
      if (active.skip > 0) active.skip--;
      else if (struck === undefined && active.left > 0) {
        active.left--;
        struck = fault;
      }
    }
    this.#operations.push({ kind, path, code: struck?.code });
    return struck;
  }
}

/** A fault that has been injected, and how far it has come. */
interface ActiveFault {
  readonly fault: Fault;
  skip: number;
  left: number;
}

class FaultyFileHandle implements FileHandle {
  readonly #inner: FileHandle;
  readonly #path: string;
  readonly #strike: (kind: FileOperationKind) => Fault | undefined;

  constructor(
    inner: FileHandle,
    path: string,
    strike: (kind: FileOperationKind) => Fault | undefined,
  ) {
    this.#inner = inner;
    this.#path = path;
    this.#strike = strike;
  }

  readAt(buffer: Uint8Array, offset: number): number {
    const fault = this.#strike("read");
    throwInjected(fault, "read", this.#path);
    return this.#inner.readAt(buffer.subarray(0, fault?.bytesTaken), offset);
  }

  append(bytes: Uint8Array): number {
    const fault = this.#strike("append");
    if (fault === undefined) return this.#inner.append(bytes);
    const taken = bytes.subarray(0, fault.bytesTaken ?? 0);
    for (let written = 0; written < taken.length;) {
      written += this.#inner.append(taken.subarray(written));
    }
    throwInjected(fault, "append", this.#path);
    return taken.length;
  }

  truncate(size: number): void {
    this.#run("truncate");
    this.#inner.truncate(size);
  }

  stat(): FileStat {
    this.#run("stat");
    return this.#inner.stat();
  }

  size(): number {
    this.#run("stat");
    return this.#inner.size();
  }

  async sync(): Promise<void> {
    this.#run("sync");
    await this.#inner.sync();
  }

  tryLock(kind?: "exclusive" | "shared"): boolean {
    this.#run("lock");
    return this.#inner.tryLock(kind);
  }

  unlock(): void {
    this.#inner.unlock();
  }

  close(): void {
    this.#inner.close();
  }

  [Symbol.dispose](): void {
    this.#inner.close();
  }

  #run(kind: FileOperationKind): void {
    throwInjected(this.#strike(kind), kind, this.#path);
  }
}

function throwInjected(
  fault: Fault | undefined,
  kind: FileOperationKind,
  path: string,
): void {
  if (fault?.code === undefined) return;
  const { code } = fault;
  // The runtime has no name for it, and says no more than this.
  if (code === "EDQUOT") {
    const number = Deno.build.os === "linux" ? 122 : 69;
    throw new Error(`Disk quota exceeded (os error ${number})`);
  }
  const message = `${code}: injected into ${kind} of "${path}"`;
  throw Object.assign(new Error(message), { code });
}
