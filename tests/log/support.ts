/**
 * What the tests of the log share: folders, stores in them, and their files.
 *
 * @module
 */
import {
  type FileEventStore,
  type FileEventStoreOptions,
  openFileEventStore,
} from "../../src/log/file_event_store.ts";
import type { EventInput } from "../../src/events/event.ts";
import type { Query } from "../../src/events/query.ts";
import type { ReadOptions } from "../../src/events/event_store.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import {
  type LogAttributes,
  type LogLevel,
  silentLogger,
} from "../../src/telemetry/logger.ts";

/** A data folder that is deleted when disposed. */
export class TestFolder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync();

  /** Opens the store in the folder. */
  open(
    options: Partial<FileEventStoreOptions> = {},
  ): Promise<FileEventStore> {
    return openFileEventStore({
      path: this.path,
      logger: silentLogger,
      ...options,
    });
  }

  /** Opens the store, lets `use` work with it and closes it. */
  async with<T>(
    use: (store: FileEventStore) => T | Promise<T>,
    options: Partial<FileEventStoreOptions> = {},
  ): Promise<T> {
    await using store = await this.open(options);
    return await use(store);
  }

  /** Names of the segments, in order. */
  segments(): string[] {
    return this.names("events");
  }

  /** Names in a subfolder, sorted; empty when it does not exist. */
  names(directory: string): string[] {
    try {
      return [...Deno.readDirSync(`${this.path}/${directory}`)]
        .map(({ name }) => name).sort();
    } catch {
      return [];
    }
  }

  /** Path of a segment, counted from 0, or from the end with negative numbers. */
  segment(index: number): string {
    return `${this.path}/events/${this.segmentName(index)}`;
  }

  /** Name of a segment, counted likewise. */
  segmentName(index: number): string {
    const name = this.segments().at(index);
    if (name === undefined) throw new RangeError(`No segment ${index}`);
    return name;
  }

  /** Deletes the index. */
  removeIndex(): void {
    for (const suffix of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(`${this.path}/index.sqlite${suffix}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Copies a data folder as it is at this moment, as a crash would leave it. */
export function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Changes the bytes of a file. */
export function edit(
  path: string,
  change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array,
): void {
  Deno.writeFileSync(path, change(Deno.readFileSync(path)));
}

/** The same bytes with one bit changed, counted from the first byte. */
export function flipBit(
  bytes: Uint8Array,
  bit: number,
): Uint8Array<ArrayBuffer> {
  const flipped = bytes.slice();
  const at = bit >> 3;
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

/** A file system whose syncs do nothing: what is tested is not what survives a power cut. */
export const unsynced: FileSystem = {
  ...denoFileSystem,
  open(path, options) {
    const file = denoFileSystem.open(path, options);
    file.sync = () => Promise.resolve();
    return file;
  },
  syncDirectory: () => Promise.resolve(),
};

/** An event of a type with tags. */
export function event(type: string, tags: string[] = [], n = 0): EventInput {
  return { type, tags, data: { n } };
}

/** Positions of the events that a read yields. */
export async function positions(
  store: FileEventStore,
  query: Query = "all",
  options: ReadOptions = {},
): Promise<number[]> {
  const events = await Array.fromAsync(store.read(query, options));
  return events.map(({ position }) => position);
}

/** The numbers from one to another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/** A logger that remembers. */
export class MemoryLogger {
  readonly records: {
    readonly level: LogLevel;
    readonly message: string;
    readonly attributes: LogAttributes;
  }[] = [];

  log(level: LogLevel, message: string, attributes: LogAttributes = {}): void {
    this.records.push({ level, message, attributes });
  }

  /** The messages of a level. */
  messages(level: LogLevel): string[] {
    return this.records.filter((record) => record.level === level)
      .map(({ message }) => message);
  }
}
