/**
 * Appends: one writer takes all that wait, checks their conditions in order, writes them at once
 * and makes them durable with one sync.
 *
 * @module
 */
import { AppendConditionError } from "../events/append_condition.ts";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { AppendResult } from "../events/event_store.ts";
import type { FairLock } from "../storage/fair_lock.ts";
import { LockTimeoutError } from "../storage/file_lock.ts";
import { CatchUpGate, NOTICE_TIMEOUT_MS } from "./catch_up_gate.ts";
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
  fileErrorCode,
  isOutOfRoom,
  LogCorruptionError,
  StoreReadOnlyError,
} from "./errors.ts";
import { FrameGroup } from "./frame_group.ts";
import type { FrameLocation } from "./index_tail.ts";
import type { LogIndex } from "./log_index.ts";
import type { LogTelemetry } from "./measured_sync.ts";
import type { SegmentedLog, TailDamage } from "./segmented_log.ts";
import type { PendingAppend } from "./pending_append.ts";
import { RollbackError, SyncError } from "./write_errors.ts";

/** What a {@linkcode GroupWriter} works with. */
export interface GroupWriterOptions {
  readonly log: SegmentedLog;
  readonly index: LogIndex;
  readonly lock: FairLock;
  readonly clock: Clock;
  /** Repairs a torn tail, or throws {@linkcode LogCorruptionError}. */
  readonly repair: (damage: TailDamage) => Promise<void>;
  /** Called whenever there are more durable events. */
  readonly published: (head: Position) => void;
  /** Told how much is written at once. @default {nobody} */
  readonly telemetry?: LogTelemetry | undefined;
}

interface Waiting extends PendingAppend {
  resolve(result: AppendResult): void;
  reject(reason: unknown): void;
}

interface Accepted {
  readonly waiting: Waiting;
  readonly location: FrameLocation;
}

/** Text written at once, in UTF-16 units, about: what waits beyond it makes up the next group. */
const GROUP_LENGTH_MAX = 8 * 1_024 * 1_024;

/** The one writer of an open store. */
export class GroupWriter {
  /** Why nothing can be appended any more. */
  failure: Error | undefined;
  /** Why the last append that was written failed, unless one succeeded since. */
  trouble: AppendFailedError | undefined;

  readonly #options: GroupWriterOptions;
  /** The lock's openings when the log was found in its place. */
  #openings: number;
  /** A reader that catches up; nothing is written before it is done. */
  #noticing: Promise<void> | undefined;
  #isAppending = false;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #isWriting = false;
  readonly #catchingUp: CatchUpGate;

  /** @param options Where to write. */
  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#openings = options.lock.openings;
    this.#catchingUp = new CatchUpGate(options.clock);
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
    return new Promise((resolve, reject) => {
      const { rests, entries, condition } = append;
      const waiting = { rests, entries, condition, signal, resolve, reject };
      if (signal) this.#rejectOnAbort(waiting, signal);
      this.#queue.push(waiting);
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more, and nobody reads what others wrote. */
  async drain(): Promise<void> {
    await this.#running;
    while (this.#noticing) await this.#noticing;
  }

  /** Reads what other processes appended, if anything. */
  async notice(): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + NOTICE_TIMEOUT_MS;
    // While this store writes, what others wrote before is known already.
    while (!this.#isWriting && !this.failure && this.#isBehind()) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return;
      // Who appends or reads already catches up as well; but it may have less patience left.
      const isDone = this.#isAppending || this.#noticing
        ? await this.#catchingUp.wait(leftMs)
        : await this.#catchUpWithin(leftMs);
      if (isDone) return;
    }
  }

  /** Catches up as a reader; returns whether it could. */
  async #catchUpWithin(timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#noticing = promise;
    this.#catchingUp.begin();
    let isDone = true;
    try {
      using _held = await this.#options.lock.acquire({ timeoutMs });
      if (this.#isBehind()) await this.#catchUp();
    } catch (error) {
      // Another process is writing: what is known stays true.
      isDone = !(error instanceof LockTimeoutError);
      // What was torn stays where it is, and is not read, until there is room to keep a copy.
      if (isOutOfRoom(error)) this.#asAppendFailure(error);
      else if (isDone && !this.#failedFor(error)) throw error;
    } finally {
      this.#catchingUp.end(isDone ? "caught up" : "gave up");
      this.#noticing = undefined;
      resolve();
    }
    await this.#options.index.relieve();
    return isDone;
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
        await this.#options.index.relieve();
      }
    } finally {
      this.#running = undefined;
      if (this.#queue.length > 0) this.#running = this.#run();
    }
  }

  async #writeGroup(): Promise<void> {
    const { lock } = this.#options;
    while (this.#noticing) await this.#noticing;
    this.#isAppending = true;
    this.#catchingUp.begin();
    let settle = () => {};
    let group: Waiting[] | undefined;
    let held: Disposable | undefined;
    try {
      if (this.failure) throw this.#readOnlyError();
      // Not `using`, here alone: it takes as long as the lock itself.
      held = lock.tryAcquire() ?? await lock.acquire();
      if (lock.openings !== this.#openings) this.#assertInPlace();
      if (this.#isBehind()) await this.#catchUp();
      this.#isWriting = true;
      this.#catchingUp.end("caught up");
      group = this.#takeGroup();
      const accepted = await this.#accept(group);
      settle = () => {
        for (const { waiting, location: { first } } of accepted) {
          waiting.resolve({ first, last: first + waiting.rests.length - 1 });
        }
      };
    } catch (error) {
      const failed = this.#failedFor(error)
        ? this.#readOnlyError()
        : this.#asAppendFailure(error, held ? undefined : "lock");
      const affected = group ?? this.#queue.splice(0);
      settle = () => {
        for (const { reject } of affected) reject(failed);
      };
    } finally {
      this.#isWriting = false;
      this.#catchingUp.end("gave up");
      held?.[Symbol.dispose]();
      this.#isAppending = false;
    }
    // Only now: others can have the lock while the callers go on.
    settle();
  }

  /** Refuses to write where nobody will look: with its lock, the folder may have been replaced. */
  #assertInPlace(): void {
    const { log, lock } = this.#options;
    if (!log.isInPlace()) {
      const what = "Another file took its place: open the store again";
      const file = log.segments.at(-1)?.file ?? "events";
      throw new AppendFailedError(file, { cause: new Error(what) });
    }
    this.#openings = lock.openings;
  }

  #takeGroup(): Waiting[] {
    const queue = this.#queue;
    let length = 0;
    let count = 0;
    for (const { rests } of queue) {
      for (const rest of rests) length += rest.length;
      if (count > 0 && length > GROUP_LENGTH_MAX) break;
      count++;
    }
    this.#queue = count < queue.length ? queue.splice(count) : [];
    return queue;
  }

  /** Whether others appended what was not read yet, or is not known to be durable. */
  #isBehind(): boolean {
    const { log } = this.#options;
    return log.hasChanged() || log.end > log.head;
  }

  async #catchUp(): Promise<void> {
    const { log, index, repair } = this.#options;
    const damage = await log.catchUp(
      (segment, run) => index.note(segment, run),
      () => index.isLarge ? this.#adopt() : undefined,
    );
    if (damage) await repair(damage);
    if (log.end > log.head) await this.#adopt();
  }

  async #adopt(): Promise<void> {
    // Its writer may have died before it synced: nobody may rely on it before somebody has.
    await this.#options.log.sync();
    this.#publish();
    if (this.#options.index.isLarge) await this.#options.index.relieve();
  }

  /** Checks, writes and syncs; rejects what is refused and returns the rest. */
  async #accept(group: readonly Waiting[]): Promise<Accepted[]> {
    const { log, index } = this.#options;
    const accepted: Accepted[] = [];
    const refused: (() => void)[] = [];
    let frames: FrameGroup | undefined;
    let indexFailure: unknown;
    try {
      for (const waiting of group) {
        if (waiting.condition || waiting.signal) {
          const last = frames?.last ?? log.end;
          let refusal = waiting.condition && indexFailure;
          try {
            refusal ??= await this.#findRefusal(waiting, last);
          } catch (error) {
            // Nobody else's business, unless the index cannot be made again: that may take long.
            if (index.isDistrusted) indexFailure = error;
            refusal = error ?? new Error("The condition cannot be judged");
          }
          if (refusal !== undefined) {
            // For an event of this very group, nobody is refused before that event is stored.
            const isEarly = refusal instanceof AppendConditionError &&
              refusal.conflict.foundAt > log.head;
            if (isEarly) refused.push(() => waiting.reject(refusal));
            else waiting.reject(refusal);
            continue;
          }
        }
        if (!frames && log.isFull) await log.roll();
        frames ??= new FrameGroup(log);
        const location = frames.add(waiting.rests);
        index.add(location, waiting.entries);
        accepted.push({ waiting, location });
      }
      if (!frames) return accepted;
      frames.write();
    } catch (error) {
      index.cut(log.end);
      if (error instanceof SyncError) throw error;
      if (error instanceof RollbackError) {
        this.#poison(error, group);
        return [];
      }
      const failure = this.#asAppendFailure(error);
      for (const { reject } of group) reject(failure);
      return [];
    }
    try {
      await this.#syncWritten(log.head + 1);
    } catch (error) {
      log.abandon(frames.bytes);
      index.cut(log.head);
      this.#poison(error, group);
      return [];
    }
    this.#options.telemetry?.appendBatchSize.record(log.end - log.head);
    this.#publish();
    for (const refuse of refused) refuse();
    return accepted;
  }

  /** Makes what was written durable, and looks for other writers while the disk works. */
  async #syncWritten(first: Position): Promise<void> {
    const { log } = this.#options;
    const syncing = log.sync();
    let disturbance: unknown;
    try {
      log.assertUndisturbed(first);
    } catch (error) {
      disturbance = error;
    }
    await syncing;
    if (disturbance === undefined) return;
    if (disturbance instanceof RollbackError) throw disturbance;
    // It could not look: with no descriptor left, the runtime lends the file to the sync.
    log.assertUndisturbed(first);
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

  #poison(error: unknown, group: readonly Waiting[]): void {
    const file = this.#options.log.segments.at(-1)?.file ?? "events";
    const cause = error instanceof SyncError ? error.cause : error;
    const failure = new AppendOutcomeUnknownError(file, { cause });
    this.failure = failure;
    for (const { reject } of group) reject(failure);
  }

  #publish(): void {
    const { log, published } = this.#options;
    log.head = log.end;
    this.trouble = undefined;
    published(log.head);
  }

  /** What callers are told of a file that fails. */
  #asAppendFailure(error: unknown, file?: string): unknown {
    if (fileErrorCode(error) === undefined) return error;
    const { log } = this.#options;
    const failed = file ?? log.segments.at(-1)?.file ?? "events";
    return this.trouble = new AppendFailedError(failed, { cause: error });
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
