/**
 * Lets others have the thread now and then during long work.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";

// Long enough to cost nothing, short enough that a server's answers do not wait noticeably.
const SLICE_MS = 8;

/** Yields to the event loop when the last time was a while ago. */
export class Yielder {
  #sinceMs = performance.now();

  /** Waits for one turn of the event loop if more than a time slice has passed; else does nothing. */
  async yieldIfDue(): Promise<void> {
    if (!this.isDue) return;
    await setImmediate();
    this.#sinceMs = performance.now();
  }

  /** Whether a time slice has passed. */
  get isDue(): boolean {
    return performance.now() - this.#sinceMs > SLICE_MS;
  }
}
