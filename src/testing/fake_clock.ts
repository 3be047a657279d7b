/**
 * A clock that stands still until a test moves it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Clock } from "../events/clock.ts";

/** Someone who sleeps. */
interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/** Someone who waits for others to fall asleep. */
interface Watcher {
  readonly count: number;
  readonly resolve: () => void;
}

/**
 * A {@linkcode Clock} whose time passes only in {@linkcode FakeClock.advance}: tests of waiting
 * take no time, and give the same result every time.
 *
 * @example
 * ```ts
 * import { FakeClock } from "@opossum/deno/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new FakeClock("2026-01-01T00:00:00Z");
 * const nap = clock.sleep(5_000);
 * assertEquals(clock.sleeping, 1);
 * await clock.advance(5_000);
 * await nap;
 * assertEquals(clock.now().toISOString(), "2026-01-01T00:00:05.000Z");
 * ```
 */
export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #sleepers: Sleeper[] = [];
  #watchers: Watcher[] = [];

  /**
   * Creates a clock.
   *
   * @param start What the wall clock shows at first: ISO 8601, or milliseconds since 1970.
   * @throws {RangeError} If it is not a time.
   */
  constructor(start: string | number = "2026-01-01T00:00:00.000Z") {
    this.#wallMs = toWallMs(start);
  }

  /** How many wait for this clock. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** {@inheritDoc Clock.now} */
  now(): Date {
    return new Date(this.#wallMs);
  }

  /** {@inheritDoc Clock.monotonicMs} */
  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** {@inheritDoc Clock.sleep} */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const wakeAtMs = this.#monotonicMs + Math.max(0, ms);
      const sleeper: Sleeper = { wakeAtMs, wake };
      this.#sleepers.push(sleeper);
      this.#tellWatchers();
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /**
   * Lets time pass, waking whoever sleeps in the order of their times; those who fall asleep
   * again meanwhile are woken again if their time comes.
   *
   * @param ms How much, in milliseconds. At least 0.
   * @returns Resolves when everyone woken has had a turn.
   * @throws {RangeError} If `ms` is negative or no number.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) {
      throw new RangeError(
        `Cannot advance the clock as 'ms' must be a number from 0: current value is ${ms}`,
      );
    }
    const endMs = this.#monotonicMs + ms;
    for (;;) {
      await letOthersRun();
      const next = this.#nextSleeper();
      if (next === undefined || next.wakeAtMs > endMs) break;
      this.#passTo(next.wakeAtMs);
      next.wake();
    }
    this.#passTo(endMs);
    await letOthersRun();
  }

  /**
   * Moves the wall clock alone, as when a machine's clock is set: nobody wakes.
   *
   * @param time What it shows from now on: ISO 8601, or milliseconds since 1970.
   * @throws {RangeError} If `time` is not a time.
   */
  setWallClock(time: string | number): void {
    this.#wallMs = toWallMs(time);
  }

  /**
   * Waits, in real time, until someone sleeps: the way to know that a loop under test has done
   * its work and waits for more.
   *
   * @param count How many must sleep.
   * @returns Resolves when at least that many do.
   */
  whenSleeping(count: number = 1): Promise<void> {
    return new Promise((resolve) => {
      if (this.sleeping >= count) resolve();
      else this.#watchers.push({ count, resolve });
    });
  }

  #tellWatchers(): void {
    this.#watchers = this.#watchers.filter(({ count, resolve }) => {
      if (this.sleeping < count) return true;
      resolve();
      return false;
    });
  }

  #nextSleeper(): Sleeper | undefined {
    return this.#sleepers.reduce<Sleeper | undefined>(
      (first, sleeper) =>
        first && first.wakeAtMs <= sleeper.wakeAtMs ? first : sleeper,
      undefined,
    );
  }

  #passTo(monotonicMs: number): void {
    // Never back: another `advance()` may have been faster.
    const passedMs = Math.max(0, monotonicMs - this.#monotonicMs);
    this.#monotonicMs += passedMs;
    this.#wallMs += passedMs;
  }
}

function toWallMs(time: string | number): number {
  const ms = new Date(time).getTime();
  if (Number.isNaN(ms)) {
    throw new RangeError(
      `Cannot set the clock as it must show a time: current value is "${time}"`,
    );
  }
  return ms;
}

/** Resolves after every promise that is settled already, and what hangs on it, had its turn. */
function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
