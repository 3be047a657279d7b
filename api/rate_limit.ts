/**
 * Counting what happens too often, for each client or token apart.
 *
 * @module
 */
import type { Clock } from "../mod.ts";

const WINDOW_MS = 60_000;
/** Keys remembered; the one that was new first is forgotten first. */
const KEYS_MAX = 10_000;

/** What {@linkcode RateLimit} needs. */
export interface RateLimitOptions {
  /** How often something may happen in any sixty seconds. */
  readonly perMinute: number;
  /** The source of time. */
  readonly clock: Clock;
}

/** At most so many in any sixty seconds, for each key. Its memory is bounded. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** When something happened, the oldest first. */
  readonly #times = new Map<string, number[]>();

  constructor({ perMinute, clock }: RateLimitOptions) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /**
   * How long until it may happen again.
   *
   * @param key Who.
   * @returns Whole seconds; 0 when it may happen now.
   */
  waitSeconds(key: string): number {
    const nowMs = this.#clock.monotonicMs();
    const times = this.#recent(key, nowMs);
    const oldest = times[0];
    if (oldest === undefined || times.length < this.#perMinute) return 0;
    return Math.ceil((oldest + WINDOW_MS - nowMs) / 1_000);
  }

  /**
   * Counts that it happened.
   *
   * @param key Who.
   */
  count(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const times = this.#recent(key, nowMs);
    times.push(nowMs);
    this.#times.set(key, times);
    if (this.#times.size <= KEYS_MAX) return;
    const [first] = this.#times.keys();
    if (first !== undefined) this.#times.delete(first);
  }

  #recent(key: string, nowMs: number): number[] {
    const times = this.#times.get(key) ?? [];
    const start = times.findIndex((ms) => ms > nowMs - WINDOW_MS);
    times.splice(0, start === -1 ? times.length : start);
    if (times.length === 0) this.#times.delete(key);
    return times;
  }
}
