/**
 * Appends: one writer takes all that wait, checks their conditions in order, writes them at once
 * and makes them durable with one sync.
 *
 * @module
 */
import { Semaphore } from "@std/async/unstable-semaphore";
import {
  type AppendCondition,
  AppendConditionError,
} from "../events/append_condition.ts";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { AppendResult } from "../events/event_store.ts";
import { type FileLock, LockTimeoutError } from "../storage/file_lock.ts";
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
  LogCorruptionError,
  StoreReadOnlyError,
} from "./errors.ts";
import { encodeFrame } from "./format.ts";
import type { IndexEntry } from "./index_tail.ts";
import type { LogIndex } from "./log_index.ts";
import {
  RollbackError,
  type SegmentedLog,
  SyncError,
} from "./segmented_log.ts";
import type { TailDamage } from "./segmented_log.ts";

/** An append that waits for its turn. */
export interface PendingAppend {
  /** Its events but for their positions: see `encodeEventRest()`. */
  readonly rests: readonly string[];
  /** What the index needs to know of them. */
  readonly entries: readonly IndexEntry[];
  readonly condition: AppendCondition | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a {@linkcode GroupWriter} works with. */
export interface GroupWriterOptions {
  readonly log: SegmentedLog;
  readonly index: LogIndex;
  readonly lock: FileLock;
  readonly clock: Clock;
  /** Repairs a torn tail, or throws {@linkcode LogCorruptionError}. */
  readonly repair: (damage: TailDamage) => Promise<void>;
  /** Called whenever there are more durable events. */
  readonly published: (head: Position) => void;
}

interface Waiting extends PendingAppend {
  resolve(result: AppendResult): void;
  reject(reason: unknown): void;
}

interface Accepted {
  readonly waiting: Waiting;
  readonly result: AppendResult;
}

/** Text written at once, in UTF-16 units, about: what waits beyond it makes up the next group. */
const GROUP_LENGTH_MAX = 8 * 1_024 * 1_024;

/** How long a reader waits for another process that is writing, before it reads what it knows. */
const NOTICE_TIMEOUT_MS = 100;

/** The one writer of an open store. */
export class GroupWriter {
  /** Why nothing can be appended any more. */
  failure: Error | undefined;

  readonly #options: GroupWriterOptions;
  readonly #turn = new Semaphore(1);
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isWriting = false;
  #caughtUp: Promise<void> = Promise.resolve();

  /** @param options Where to write. */
  constructor(options: GroupWriterOptions) {
    this.#options = options;
  }

  /**
   * Appends when its turn comes.
   *
   * @param append What to append.
   * @returns The positions given.
   */
  append(append: PendingAppend): Promise<AppendResult> {
    const { signal } = append;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.failure) return Promise.reject(this.#readOnlyError());
    const { promise, resolve, reject } = Promise.withResolvers<AppendResult>();
    const waiting: Waiting = { ...append, resolve, reject };
    if (signal) this.#rejectOnAbort(waiting, signal);
    this.#queue.push(waiting);
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  /** Reads what other processes appended, if anything. */
  async notice(): Promise<void> {
    const { log, lock } = this.#options;
    // While this store writes, what others wrote before is known already.
    if (this.#isWriting || this.failure || !log.hasChanged()) return;
    using turn = this.#turn.tryAcquire();
    if (turn === undefined) return await this.#waitForCatchUp();
    const caughtUp = this.#beginCatchUp();
    try {
      using _held = await lock.acquire({ timeoutMs: NOTICE_TIMEOUT_MS });
      await this.#catchUp();
    } catch (error) {
      // Another process is writing: what is known stays true.
      if (error instanceof LockTimeoutError) return;
      if (!this.#failedFor(error)) throw error;
    } finally {
      caughtUp();
    }
  }

  /** Whoever has the turn catches up as well; it need not be done twice. */
  async #waitForCatchUp(): Promise<void> {
    const timeout = new AbortController();
    const { clock } = this.#options;
    const waited = clock.sleep(NOTICE_TIMEOUT_MS, timeout.signal);
    await Promise.race([this.#caughtUp, waited]);
    timeout.abort();
  }

  #beginCatchUp(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#caughtUp = promise;
    return resolve;
  }

  #rejectOnAbort(waiting: Waiting, signal: AbortSignal): void {
    const onAbort = () => {
      const index = this.#queue.indexOf(waiting);
      if (index < 0) return;
      this.#queue.splice(index, 1);
      settled.reject(signal.reason);
    };
    const settled = { resolve: waiting.resolve, reject: waiting.reject };
    waiting.resolve = (result) => {
      signal.removeEventListener("abort", onAbort);
      settled.resolve(result);
    };
    waiting.reject = (reason) => {
      signal.removeEventListener("abort", onAbort);
      settled.reject(reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  }

  async #run(): Promise<void> {
    // Appends of the same turn of the event loop go together.
    await Promise.resolve();
    try {
      while (this.#queue.length > 0) {
        await this.#writeGroup();
        await this.#options.index.flush("full");
      }
    } catch (error) {
      // Only the index can fail here; it is made again, or fails whoever needs it.
      this.#options.index.distrust(error);
    } finally {
      this.#running = undefined;
      if (this.#queue.length > 0) this.#running = this.#run();
    }
  }

  async #writeGroup(): Promise<void> {
    using _turn = await this.#turn.acquire();
    const caughtUp = this.#beginCatchUp();
    let settle = () => {};
    let group: Waiting[] | undefined;
    try {
      if (this.failure) throw this.#readOnlyError();
      using _held = await this.#options.lock.acquire();
      await this.#catchUp();
      this.#isWriting = true;
      caughtUp();
      group = this.#takeGroup();
      const accepted = await this.#accept(group);
      settle = () => {
        for (const { waiting, result } of accepted) waiting.resolve(result);
      };
    } catch (error) {
      const failed = this.#failedFor(error) ? this.#readOnlyError() : error;
      const affected = group ?? this.#queue.splice(0);
      settle = () => {
        for (const { reject } of affected) reject(failed);
      };
    } finally {
      this.#isWriting = false;
      caughtUp();
    }
    // Only now: others can have the lock while the callers go on.
    settle();
  }

  #takeGroup(): Waiting[] {
    let length = 0;
    let count = 0;
    for (const { rests } of this.#queue) {
      for (const rest of rests) length += rest.length;
      if (count > 0 && length > GROUP_LENGTH_MAX) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #catchUp(): Promise<void> {
    const { log, index, repair } = this.#options;
    if (!log.hasChanged()) return;
    const damage = await log.catchUp((segment, run) =>
      index.note(segment, run)
    );
    if (damage) await repair(damage);
    if (log.end === log.head) return;
    // Its writer may have died before it synced: nobody may rely on it before somebody has.
    await log.sync();
    this.#publish();
  }

  /** Checks, writes and syncs; rejects what is refused and returns the rest. */
  async #accept(group: readonly Waiting[]): Promise<Accepted[]> {
    const { log, index } = this.#options;
    const accepted: Accepted[] = [];
    const parts: Uint8Array[] = [];
    let bytes = 0;
    let last = log.end;
    let crc = log.crc;
    try {
      for (const waiting of group) {
        const refusal = await this.#findRefusal(waiting, last);
        if (refusal !== undefined) {
          waiting.reject(refusal);
          continue;
        }
        if (accepted.length === 0 && log.isFull) {
          await log.roll();
          crc = log.crc;
        }
        const { rests, entries } = waiting;
        const first = last + 1;
        const { head: durable } = log;
        const frame = encodeFrame({ first, rests, prev: crc, durable });
        const segment = log.segments.at(-1)?.first ?? 1;
        const offset = log.offset + bytes;
        index.add({ first, segment, offset, crc: frame.crc }, entries);
        parts.push(frame.header, frame.payload);
        bytes += frame.header.length + frame.payload.length;
        last += rests.length;
        crc = frame.crc;
        accepted.push({ waiting, result: { first, last } });
      }
      if (accepted.length === 0) return accepted;
      log.write(concat(parts, bytes), last, crc);
    } catch (error) {
      index.cut(log.end);
      if (error instanceof SyncError) throw error;
      if (error instanceof RollbackError) {
        this.#poison(error, accepted);
        return [];
      }
      const file = log.segments.at(-1)?.file ?? "events";
      const failure = isFileError(error)
        ? new AppendFailedError(file, { cause: error })
        : error;
      for (const { reject } of group) reject(failure);
      return [];
    }
    try {
      await log.sync();
    } catch (error) {
      log.abandon(bytes);
      index.cut(log.head);
      this.#poison(error, accepted);
      return [];
    }
    this.#publish();
    return accepted;
  }

  async #findRefusal(
    { condition, signal }: Waiting,
    last: Position,
  ): Promise<unknown> {
    if (signal?.aborted) return signal.reason;
    if (condition === undefined) return undefined;
    const { failIfEventsMatch, after = 0 } = condition;
    const { index } = this.#options;
    const foundAt = await index.firstMatch(failIfEventsMatch, after, last);
    return foundAt === undefined
      ? undefined
      : new AppendConditionError({ after, foundAt });
  }

  #poison(error: unknown, accepted: readonly Accepted[]): void {
    const file = this.#options.log.segments.at(-1)?.file ?? "events";
    const cause = error instanceof SyncError ? error.cause : error;
    const failure = new AppendOutcomeUnknownError(file, { cause });
    this.failure = failure;
    for (const { waiting } of accepted) waiting.reject(failure);
  }

  #publish(): void {
    const { log, published } = this.#options;
    log.head = log.end;
    published(log.head);
  }

  /** Remembers a failure that ends all writing; `false` for one that passes. */
  #failedFor(error: unknown): boolean {
    if (error instanceof StoreReadOnlyError) return true;
    const isFinal = error instanceof SyncError ||
      error instanceof RollbackError || error instanceof LogCorruptionError;
    if (isFinal) this.failure ??= error;
    return isFinal;
  }

  #readOnlyError(): StoreReadOnlyError {
    return new StoreReadOnlyError({
      cause: this.failure ?? new Error("unknown"),
    });
  }
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}
