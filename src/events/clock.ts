/**
 * The port through which time is read and waited for, so that tests hold the clock.
 *
 * @module
 */

/** A source of time. */
export interface Clock {
  /** Wall-clock time. Informational: it may jump. */
  now(): Date;
  /** Milliseconds from an arbitrary origin that never run backwards. */
  monotonicMs(): number;
  /**
   * Resolves after `ms` milliseconds, or at once when `signal` aborts: a wait that ends early is
   * not an error.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};
