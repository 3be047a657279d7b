/**
 * How fast a pass over the log may go, and how long it has to wait for that.
 *
 * @module
 */

/** How fast one pass may go. */
export interface Pace {
  /** Share of the time that it may work, above 0 to 1. */
  readonly share: number;
  /** Events of the log that it may read a second, or `Infinity`. */
  readonly eventsPerSecondMax: number;
}

/** No hurry, and no restraint. */
export const FULL_PACE: Pace = { share: 1, eventsPerSecondMax: Infinity };

/** Shorter waits are put together: each costs more than it gives, in milliseconds. */
const WAIT_MS_MIN = 4;

/** A long rest is taken in parts, as the pace may change meanwhile, in milliseconds. */
const WAIT_MS_MAX = 1_000;

/** Rest for work that took this long at once, as of a machine that slept, is not owed; in ms. */
const OWED_MS_MAX = 60_000;

/** So much time without reading may be made up for by reading faster, in milliseconds. */
const CREDIT_MS_MAX = 1_000;

/** Tells a pass when to wait. One for each pass, in the thread that does the work. */
export class Pacer {
  readonly #pace: () => Pace;
  readonly #monotonicMs: () => number;
  /** Since when it works. */
  #sinceMs: number;
  /** Rest that is due for the work done, in milliseconds. */
  #owedMs = 0;
  /** Events that were read too early, or, below 0, may be read in addition. */
  #owedEvents = 0;

  /**
   * @param pace How fast it may go; asked every time.
   * @param monotonicMs Measures time, in milliseconds.
   */
  constructor(pace: () => Pace, monotonicMs: () => number) {
    this.#pace = pace;
    this.#monotonicMs = monotonicMs;
    this.#sinceMs = monotonicMs();
  }

  /**
   * Ends a stretch of work.
   *
   * @param eventsRead How many events of the log were read in it.
   * @returns How long to wait now, in milliseconds, a second at most; 0 to go on. Say
   * {@linkcode restOn} then, and {@linkcode goOn} in the end.
   */
  rest(eventsRead: number): number {
    const { share } = this.#pace();
    const workedMs = this.#pass();
    this.#owedMs += workedMs * (1 / share - 1);
    return this.#dueMs(workedMs, eventsRead);
  }

  /**
   * Goes on with a rest: what was waited for is no longer owed.
   *
   * @returns How long to wait in addition, likewise.
   */
  restOn(): number {
    const waitedMs = this.#pass();
    this.#owedMs -= waitedMs;
    return this.#dueMs(waitedMs, 0);
  }

  /** Begins the next stretch of work: what was waited for, however long, is no longer owed. */
  goOn(): void {
    this.restOn();
  }

  #pass(): number {
    const nowMs = this.#monotonicMs();
    const passedMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    return passedMs;
  }

  /** What is due after so much time and so many events, at the pace of now. */
  #dueMs(passedMs: number, eventsRead: number): number {
    const perMs = this.#pace().eventsPerSecondMax / 1_000;
    this.#owedMs = Math.min(Math.max(this.#owedMs, 0), OWED_MS_MAX);
    this.#owedEvents = Number.isFinite(perMs)
      ? Math.max(
        this.#owedEvents + eventsRead - passedMs * perMs,
        -CREDIT_MS_MAX * perMs,
      )
      : 0;
    const owedMs = Math.max(this.#owedMs, this.#owedEvents / perMs);
    return owedMs < WAIT_MS_MIN ? 0 : Math.min(owedMs, WAIT_MS_MAX);
  }
}
