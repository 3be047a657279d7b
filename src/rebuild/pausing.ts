/**
 * Who holds a build up, since when, and who is told of it.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";

/** Holds a build up for as long as any operation wants that. */
export class Pausing {
  readonly #clock: Clock;
  /** Ids of the operations that hold it up. */
  readonly #by = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #sinceMs: number | undefined;
  #pausedMs = 0;

  /** @param clock Measures how long it is held up. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Since when it is held up, by the clock; `undefined` while it is not. */
  get sinceMs(): number | undefined {
    return this.#sinceMs;
  }

  /** How long it was held up before that, since its work began, in milliseconds. */
  get pausedMs(): number {
    return this.#pausedMs;
  }

  /** Holds it up for an operation. */
  pause(operationId: string): void {
    this.#by.add(operationId);
    if (this.#sinceMs !== undefined) return;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#tell();
  }

  /**
   * Lets it go on, unless another operation holds it up.
   *
   * @param operationId The operation.
   * @param startedMs When its work began: what was before does not count.
   */
  resume(operationId: string, startedMs: number | undefined): void {
    this.#by.delete(operationId);
    if (this.#sinceMs === undefined || this.#by.size > 0) return;
    if (startedMs !== undefined) {
      const sinceMs = Math.max(this.#sinceMs, startedMs);
      this.#pausedMs += this.#clock.monotonicMs() - sinceMs;
    }
    this.#sinceMs = undefined;
    this.#tell();
  }

  /** Calls back whenever it is held up or goes on. Dispose the returned object to stop. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => void this.#listeners.delete(listener),
    };
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
