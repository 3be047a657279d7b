/**
 * How late the event loop is: what every request, append and timer of this thread waits for.
 *
 * @module
 */
import type { MeterSource } from "./meter_source.ts";

/** What is used of the machine's timers. */
export interface LoopTimers {
  /** Milliseconds from an arbitrary origin that never run backwards. */
  nowMs(): number;
  /** Calls back once, after `ms` milliseconds, unless disposed; keeps no process alive. */
  after(ms: number, callback: () => void): Disposable;
}

/** Between two looks, in milliseconds. */
const INTERVAL_MS = 100;

/** Looks that are made up for after the loop stood still, at most: a minute's. */
const MISSED_MAX = 600;

const SYSTEM_TIMERS: LoopTimers = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    Deno.unrefTimer(timer);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Looks how late the loop is, while anybody wants it and anybody listens. */
export class EventLoopDelay {
  readonly #source: MeterSource;
  readonly #record: (seconds: number) => void;
  readonly #timers: LoopTimers;
  #watchers = 0;
  #observing: Disposable | undefined;

  /**
   * @param source Tells whether anybody listens.
   * @param record Takes each delay, in seconds.
   * @param timers The timers. @default {those of the machine}
   */
  constructor(
    source: MeterSource,
    record: (seconds: number) => void,
    timers: LoopTimers = SYSTEM_TIMERS,
  ) {
    this.#source = source;
    this.#record = record;
    this.#timers = timers;
  }

  /** Measures until the returned object is disposed, and longer if others want it. */
  watch(): Disposable {
    let isOver = false;
    this.#watchers++;
    this.#observing ??= this.#source.observe(() =>
      this.#source.isHeard ? this.#look() : { [Symbol.dispose]: () => {} }
    );
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        if (--this.#watchers > 0) return;
        this.#observing?.[Symbol.dispose]();
        this.#observing = undefined;
      },
    };
  }

  /** Looks again and again until disposed. */
  #look(): Disposable {
    const { nowMs, after } = this.#timers;
    let isOver = false;
    let timer: Disposable;
    const wait = () => {
      const dueMs = nowMs() + INTERVAL_MS;
      timer = after(INTERVAL_MS, () => {
        const lateMs = Math.max(nowMs() - dueMs, 0);
        this.#record(lateMs / 1_000);
        // What was due meanwhile was late as well: a second's standstill is not one look of many.
        for (let missed = 1; missed <= MISSED_MAX; missed++) {
          const missedMs = lateMs - missed * INTERVAL_MS;
          if (missedMs <= 0) break;
          this.#record(missedMs / 1_000);
        }
        // Recording may have found out that nobody listens any more.
        if (!isOver) wait();
      });
    };
    wait();
    return {
      [Symbol.dispose]: () => {
        isOver = true;
        timer[Symbol.dispose]();
      },
    };
  }
}
