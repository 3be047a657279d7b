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

/** What was read by much too fast is not waited for longer than this, in milliseconds. */
const WAIT_MS_MAX = 60_000;

/** So much time without reading may be made up for by reading faster, in milliseconds. */
const CREDIT_MS_MAX = 1_000;

/** Tells a pass when to wait. One for each pass, in the thread that does the work. */
export class Pacer {
  readonly #pace: () => Pace;
  readonly #monotonicMs: () => number;
  /** Since when it works. */
  #sinceMs: number;
  /** Waiting that is due for the work done, and for the events read; the latter may be credit. */
  #owedForWorkMs = 0;
  #owedForEventsMs = 0;

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
   * @returns How long to wait now, in milliseconds; 0 to go on. Say {@linkcode goOn} afterwards.
   */
  rest(eventsRead: number): number {
    const { share, eventsPerSecondMax } = this.#pace();
    const workedMs = this.#pass();
    const forWork = workedMs * (1 / share - 1);
    const forEvents = eventsRead * 1_000 / eventsPerSecondMax;
    this.#owe(forWork, forEvents - workedMs);
    const owedMs = Math.max(this.#owedForWorkMs, this.#owedForEventsMs);
    return owedMs < WAIT_MS_MIN ? 0 : owedMs;
  }

  /** Begins the next stretch of work: what was waited for, however long, is no longer owed. */
  goOn(): void {
    const waitedMs = this.#pass();
    this.#owe(-waitedMs, -waitedMs);
  }

  #pass(): number {
    const nowMs = this.#monotonicMs();
    const passedMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    return passedMs;
  }

  #owe(forWorkMs: number, forEventsMs: number): void {
    this.#owedForWorkMs = clamp(this.#owedForWorkMs + forWorkMs, 0);
    this.#owedForEventsMs = clamp(
      this.#owedForEventsMs + forEventsMs,
      -CREDIT_MS_MAX,
    );
  }
}

function clamp(owedMs: number, min: number): number {
  return Math.min(Math.max(owedMs, min), WAIT_MS_MAX);
}
