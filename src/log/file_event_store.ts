/**
 * The event store on files.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { systemClock } from "../events/clock.ts";
import type {
  DomainEvent,
  EventInput,
  Position,
  StoredEvent,
} from "../events/event.ts";
import type {
  AppendOptions,
  AppendResult,
  EventBatch,
  EventStore,
  ReadBatchesOptions,
  ReadOptions,
} from "../events/event_store.ts";
import type { Query } from "../events/query.ts";
import {
  assertQuery,
  assertReadBatchesOptions,
  assertReadOptions,
  checkAppendOptions,
  checkEventInputs,
} from "../events/validation.ts";
import { denoFileSystem } from "../storage/deno_file_system.ts";
import { FairLock } from "../storage/fair_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  fileErrorCode,
  LogCorruptionError,
  StoreClosedError,
  StoreOpenError,
} from "./errors.ts";
import { GroupWriter, type GroupWriterOptions } from "./group_writer.ts";
import { LogSize } from "./log_size.ts";
import type { LogIndex } from "./log_index.ts";
import { LogFollower } from "./log_follower.ts";
import { LogReader } from "./log_reader.ts";
import type { LogTelemetry } from "./measured_sync.ts";
import { assertOnOneMachine, openLog } from "./open_log.ts";
import { encodeAppend } from "./pending_append.ts";
import type { SegmentedLog } from "./segmented_log.ts";
import { TimestampWriter } from "./timestamp_writer.ts";
import { verifyLog, type VerifyOptions, type VerifyReport } from "./verify.ts";
import { SyncError } from "./write_errors.ts";

/** How to open an event store on files. */
export interface FileEventStoreOptions {
  /** The data folder. Created when missing or empty. */
  readonly path: string;
  /** The source of time. @default {systemClock} */
  readonly clock?: Clock;
  /** Where log records go. */
  readonly logger: Logger;
  /** Where the files are; the index as well, if it opens databases. @default {denoFileSystem} */
  readonly fileSystem?: FileSystem;
  /** Size at which a segment is sealed, in bytes, at least. @default {67_108_864} 64 MiB */
  readonly segmentBytesMax?: number;
  /**
   * Called with the last position of a log that is whole, and a way to ask for the id of an event,
   * while nobody can append.
   * @default {does nothing}
   */
  readonly onWhole?: (
    head: Position,
    idAt: (position: Position) => string,
  ) => void;
  /** Opens it also where other machines could. @default {false} */
  readonly allowNetworkFileSystem?: boolean;
  /**
   * Only reads: nothing in the folder is created or changed, so that it may be on a read-only
   * disk, belong to somebody else, or be written to by another process. @default {false}
   */
  readonly readOnly?: boolean;
  /** Told how long syncs take, and how much is written at once. @default {nobody} */
  readonly telemetry?: LogTelemetry;
}

/** An event store on files. Dispose it to finish what waits and close everything. */
export interface FileEventStore extends EventStore {
  /** Tells the store from every other one. */
  readonly storeId: string;
  /** Why nothing can be appended any more, or `undefined` while all is well. */
  readonly readOnlyCause: Error | undefined;
  /** Why the last append failed that might succeed when it is tried again, as on a full disk. */
  readonly appendTrouble: Error | undefined;
  /** Number of segments. */
  readonly segmentCount: number;
  /** Size of all segments, in bytes. */
  readonly bytes: number;

  /**
   * Reads every segment and checks every frame and event.
   *
   * @returns What was found. Damage does not throw.
   */
  verify(options?: VerifyStoreOptions): Promise<VerifyReport>;
}

/** How to verify a store that is open. */
export type VerifyStoreOptions = Pick<VerifyOptions, "signal" | "onRun">;

/** One event after the other is read from batches of this size, at most. */
const READ_BATCH_SIZE = 256;

const SEGMENT_BYTES_MAX = 64 * 1_024 * 1_024;

/**
 * Opens the event store in a folder, creating it when the folder is missing or empty. A tail
 * that a crash left incomplete is cut off and kept in `quarantine/`.
 *
 * @param options Where and how.
 * @returns The open store. When acknowledged events are damaged it is read-only from the
 * beginning: see `readOnlyCause`.
 * @throws {NetworkFileSystemError} If the folder is on a network file system.
 * @throws {StoreFormatError} If the folder holds something else or something newer.
 * @throws {LogCorruptionError} If acknowledged events are damaged from the first one on.
 * @throws {LockTimeoutError} If another process holds the store's lock for too long.
 * @throws {LogReadError} If the disk does not let a segment be read.
 * @throws {StoreOpenError} If the disk or the permissions stand against it otherwise.
 *
 * @example
 * ```ts
 * import { openFileEventStore } from "./file_event_store.ts";
 * import { silentLogger } from "../telemetry/logger.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempDir();
 * await using store = await openFileEventStore({ path, logger: silentLogger });
 * await store.append([{ type: "CourseCreated", tags: ["courseId:42"], data: {} }]);
 * assertEquals(await store.head(), 1);
 * ```
 */
export async function openFileEventStore(
  options: FileEventStoreOptions,
): Promise<FileEventStore> {
  const {
    path,
    logger,
    clock = systemClock,
    fileSystem = denoFileSystem,
    segmentBytesMax = SEGMENT_BYTES_MAX,
    onWhole,
    allowNetworkFileSystem = false,
    readOnly = false,
    telemetry,
  } = options;
  const lock = new FairLock(fileSystem, `${path}/lock`, clock);
  const shared = { path, logger, clock, fileSystem, lock };
  try {
    if (readOnly) {
      assertOnOneMachine({ ...shared, allowNetworkFileSystem });
      const follower = await LogFollower.open(shared);
      const { storeId, log, index, failure } = follower;
      const opened = { storeId, log, index, failure, follower };
      return new OpenFileEventStore({ ...shared, ...opened });
    }
    const opened = await openLog({
      ...shared,
      segmentBytesMax,
      onWhole,
      allowNetworkFileSystem,
      telemetry,
    });
    return new OpenFileEventStore({ ...shared, ...opened, telemetry });
  } catch (error) {
    const cause = error instanceof SyncError ? error.cause : error;
    if (fileErrorCode(cause) === undefined) throw error;
    throw new StoreOpenError(path, { cause });
  }
}

interface Parts {
  readonly storeId: string;
  readonly log: SegmentedLog;
  readonly index: LogIndex;
  readonly lock: FairLock;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fileSystem: FileSystem;
  readonly repair?: GroupWriterOptions["repair"];
  readonly failure: Error | undefined;
  /** Reads on, where nothing is written. */
  readonly follower?: LogFollower;
  readonly telemetry?: LogTelemetry | undefined;
}

class OpenFileEventStore implements FileEventStore {
  readonly storeId: string;
  readonly #log: SegmentedLog;
  readonly #size: LogSize;
  readonly #index: LogIndex;
  readonly #lock: FairLock;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fileSystem: FileSystem;
  readonly #writer: GroupWriter;
  readonly #reader: LogReader;
  readonly #follower: LogFollower | undefined;
  readonly #timestamps = new TimestampWriter();
  readonly #listeners = new Set<{ readonly call: (head: Position) => void }>();
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { storeId, log, index, lock, clock, fileSystem } = parts;
    // Who only reads repairs nothing: it never comes to that.
    const repair = parts.repair ?? (() => Promise.reject(parts.failure));
    this.storeId = storeId;
    this.#log = log;
    this.#size = new LogSize(log, fileSystem);
    this.#index = index;
    this.#lock = lock;
    this.#clock = clock;
    this.#logger = parts.logger;
    this.#fileSystem = fileSystem;
    const published = (head: Position) => this.#tell(head);
    const { telemetry } = parts;
    const options = { log, index, lock, clock, repair, published, telemetry };
    this.#writer = new GroupWriter(options);
    this.#writer.failure = parts.failure;
    this.#follower = parts.follower;
    if (this.#follower) this.#follower.published = published;
    this.#reader = new LogReader(fileSystem, log, index);
  }

  get readOnlyCause(): Error | undefined {
    return this.#follower?.failure ?? this.#writer.failure;
  }

  get appendTrouble(): Error | undefined {
    return this.#writer.trouble;
  }

  get damage(): LogCorruptionError | undefined {
    const cause = this.readOnlyCause;
    return cause instanceof LogCorruptionError ? cause : undefined;
  }

  get segmentCount(): number {
    return this.#log.segments.length;
  }

  get bytes(): number {
    return this.#size.bytes;
  }

  // Not `async`: sixteen callers at once would each wait for two more promises.
  append<E extends DomainEvent>(
    events: readonly EventInput<E>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    try {
      const checked = checkEventInputs(events);
      const checkedOptions = checkAppendOptions(options);
      this.#assertOpen("append");
      const now = this.#timestamps.of(this.#clock.now());
      return this.#writer.append(encodeAppend(checked, checkedOptions, now));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async *read<E extends DomainEvent = DomainEvent>(
    query: Query,
    options: ReadOptions = {},
  ): AsyncIterable<StoredEvent<E>> {
    assertQuery(query);
    assertReadOptions(options);
    const { after, limit = Infinity, backwards = false, signal } = options;
    signal?.throwIfAborted();
    const head = await this.head();
    const batchSize = Math.min(READ_BATCH_SIZE, Math.max(limit, 1));
    const range = { batchSize, ...signal ? { signal } : {} };
    const batches = backwards
      ? this.#reader.backwards(query, {
        ...range,
        after: 0,
        upTo: Math.min((after ?? Infinity) - 1, head),
      })
      : this.#reader.batches(query, {
        ...range,
        after: after ?? 0,
        upTo: head,
      });
    let left = limit;
    if (left <= 0) return;
    for await (const { events } of batches) {
      for (const event of events) {
        signal?.throwIfAborted();
        this.#assertOpen("read");
        yield event as StoredEvent<E>;
        if (--left <= 0) return;
      }
    }
  }

  async *readBatches<E extends DomainEvent = DomainEvent>(
    query: Query,
    options: ReadBatchesOptions = {},
  ): AsyncIterable<EventBatch<E>> {
    assertQuery(query);
    assertReadBatchesOptions(options);
    const { after = 0, upTo = Infinity, batchSize = 1_000, signal } = options;
    signal?.throwIfAborted();
    const range = {
      after,
      upTo: Math.min(upTo, await this.head()),
      batchSize,
      ...signal ? { signal } : {},
    };
    for await (const batch of this.#reader.batches(query, range)) {
      yield batch as EventBatch<E>;
      this.#assertOpen("read");
    }
  }

  async readLast<E extends DomainEvent = DomainEvent>(
    query: Query,
  ): Promise<StoredEvent<E> | undefined> {
    const newest = { backwards: true, limit: 1 };
    for await (const event of this.read<E>(query, newest)) return event;
    return undefined;
  }

  async head(): Promise<Position> {
    this.#assertOpen("read");
    await (this.#follower ?? this.#writer).notice();
    return this.#log.head;
  }

  onAppend(listener: (head: Position) => void): Disposable {
    // Wrapped, so that a listener registered twice is two.
    const entry = { call: listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  async verify(
    { signal, onRun }: VerifyStoreOptions = {},
  ): Promise<VerifyReport> {
    const head = await this.head();
    return await verifyLog({
      fileSystem: this.#fileSystem,
      segments: this.#log.segments.slice(),
      head,
      behindHead: this.damage !== undefined,
      ...signal ? { signal } : {},
      ...onRun ? { onRun } : {},
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.drain();
    this.#listeners.clear();
    if (this.#follower) {
      await this.#follower.drain();
      return this.#follower[Symbol.dispose]();
    }
    try {
      await this.#index.flush("any");
    } finally {
      this.#index[Symbol.dispose]();
      this.#log[Symbol.dispose]();
      this.#lock[Symbol.dispose]();
    }
  }

  #tell(head: Position): void {
    for (const { call } of [...this.#listeners]) {
      try {
        call(head);
      } catch (error) {
        // The events are stored: a listener cannot undo that, nor keep the others from knowing.
        this.#logger.log("error", "A listener to appends failed", { error });
      }
    }
  }

  #assertOpen(action: string): void {
    if (this.#closing) throw new StoreClosedError(action);
  }
}
