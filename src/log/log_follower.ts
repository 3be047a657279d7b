/**
 * Reading a log that is not written to from here: in a folder that cannot be written to, or beside
 * the process that writes.
 *
 * Nothing is created, cut off, swept or indexed on disk. What is served is durable: the files are
 * read while the store's lock is held, so that nobody is in the middle of a write, and synced as
 * far as the system lets one who only reads. Where it does not, only what a later frame proves is
 * served.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { FileLock, LockTimeoutError } from "../storage/file_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import { NOTICE_TIMEOUT_MS } from "./catch_up_gate.ts";
import {
  fileErrorCode,
  LogCorruptionError,
  OpenedReadOnlyError,
  readingLog,
  StoreFormatError,
} from "./errors.ts";
import { LogIndex } from "./log_index.ts";
import { readLog } from "./open_log.ts";
import { ProvenEnd } from "./proven_end.ts";
import { judgeTail } from "./recovery.ts";
import {
  type FrameVisitor,
  SegmentedLog,
  type TailDamage,
} from "./segmented_log.ts";
import { readIdentity } from "./store_identity.ts";
import { SyncError } from "./write_errors.ts";

/** What a {@linkcode LogFollower} works with. */
export interface LogFollowerOptions {
  /** The data folder. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the system says to a sync of files that it lets nobody write. */
const NOTHING_TO_SYNC = ["EROFS", "EINVAL", "EBADF"];

/** A log that is only read. */
export class LogFollower implements Disposable {
  readonly storeId: string;
  readonly log: SegmentedLog;
  readonly index: LogIndex;
  /** Why nothing can be appended. */
  failure: Error = new OpenedReadOnlyError();
  /** Called whenever there are more durable events. */
  published: (head: Position) => void = () => {};

  readonly #options: LogFollowerOptions;
  readonly #lock: FileLock | undefined;
  readonly #proven = new ProvenEnd();
  #noticing: Promise<void> | undefined;

  private constructor(options: LogFollowerOptions) {
    this.#options = options;
    const { path, fileSystem, clock, logger } = options;
    const identity = readIdentity(fileSystem, path);
    if (identity === undefined) {
      throw new StoreFormatError(path, 'it has no "store.json"');
    }
    const storeId = this.storeId = identity.storeId;
    const readOnly = true;
    this.log = new SegmentedLog({
      fileSystem,
      path,
      storeId,
      clock,
      segmentBytesMax: Infinity,
      readOnly,
    });
    const { log } = this;
    this.index = new LogIndex({
      fileSystem,
      path,
      storeId,
      log,
      logger,
      readOnly,
    });
    // A copy may come without it: nobody writes there.
    this.#lock = fileSystem.exists(`${path}/lock`)
      ? new FileLock(fileSystem, `${path}/lock`, clock, "read")
      : undefined;
  }

  /**
   * Reads the log of a folder.
   *
   * @param options Where.
   * @returns What reads on.
   * @throws {StoreFormatError} If the folder holds no store, or something newer.
   * @throws {LogCorruptionError} If segments are missing or their first lines damaged.
   * @throws {LockTimeoutError} If another process holds the store's lock for too long.
   */
  static async open(options: LogFollowerOptions): Promise<LogFollower> {
    using resources = new DisposableStack();
    const follower = resources.use(new LogFollower(options));
    await follower.#open();
    resources.move();
    return follower;
  }

  async #open(): Promise<void> {
    using _held = await this.#lock?.acquire();
    const { log, storeId } = this;
    const { fileSystem, path } = this.#options;
    const repair = (damage: TailDamage) => this.#assertTorn(damage);
    const { visit } = this.#proven;
    try {
      await readLog(log, { storeId, fileSystem, path, repair, visit });
    } catch (error) {
      if (!(error instanceof LogCorruptionError) || log.end === 0) throw error;
      this.failure = error;
    }
    await this.#publish();
  }

  /** Reads what was appended meanwhile, if anything. */
  async notice(): Promise<void> {
    if (this.failure instanceof LogCorruptionError) return;
    if (!this.log.hasChanged()) return;
    await (this.#noticing ??= this.#catchUp().finally(() => {
      this.#noticing = undefined;
    }));
  }

  /** Resolves when nobody reads on any more. */
  async drain(): Promise<void> {
    // Whoever asked is told of a failure.
    await this.#noticing?.catch(() => {});
  }

  async #catchUp(): Promise<void> {
    const visit: FrameVisitor = (segment, run) => {
      this.#proven.visit(segment, run);
      this.index.note(segment, run);
    };
    try {
      using _held = await this.#lock?.acquire({ timeoutMs: NOTICE_TIMEOUT_MS });
      const damage = await this.log.catchUp(
        visit,
        () => this.index.isLarge ? this.#publish() : undefined,
      );
      if (damage) this.#assertTorn(damage);
      await this.#publish();
    } catch (error) {
      // Another process is writing: what is known stays true.
      if (error instanceof LockTimeoutError) return;
      if (!(error instanceof LogCorruptionError)) throw error;
      this.failure = error;
    }
  }

  /** Serves what is durable of what was read. */
  async #publish(): Promise<void> {
    const { log } = this;
    const before = log.head;
    log.head = await this.#isDurable()
      ? log.end
      : Math.max(before, Math.min(this.#proven.durable, log.end));
    if (log.head > before) this.published(log.head);
    if (this.index.isFull) await this.index.flush("full");
  }

  async #isDurable(): Promise<boolean> {
    try {
      await this.log.sync();
      return true;
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      return NOTHING_TO_SYNC.includes(fileErrorCode(error.cause) ?? "");
    }
  }

  /** A torn end was never acknowledged: it is left where it is, and not served. */
  #assertTorn(damage: TailDamage): void {
    const { fileSystem, path } = this.#options;
    const provenDurable = Math.max(this.log.head, this.#proven.durable);
    readingLog(damage.file, damage.offset, () => {
      judgeTail(this.log, damage, { fileSystem, path, provenDurable });
    });
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.index[Symbol.dispose]();
    this.log[Symbol.dispose]();
    this.#lock?.[Symbol.dispose]();
  }
}
