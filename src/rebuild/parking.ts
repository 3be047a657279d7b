/**
 * How a build waits to be promoted: without a place among those that are built at once, and
 * without its time counting.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";

/** A build that waits to be promoted. */
export interface ManualBuild {
  /** Whether it goes on with what an interrupted operation built. */
  readonly continues: boolean;
  /** Whether it was promoted before it was interrupted. */
  readonly isPromoted: boolean;
  /** Called when it begins to wait. */
  readonly onPark: () => void;
  /** Called when what was promoted turns out to be gone. */
  readonly onDemote: () => void;
}

/** Whether and since when a build waits. */
export class Parking {
  readonly #clock: Clock;
  readonly #manual: ManualBuild | undefined;
  #resting = Promise.withResolvers<void>();
  #isPromoted: boolean;
  #sinceMs: number | undefined;
  #parkedMs = 0;

  /**
   * @param clock Measures how long it waits.
   * @param manual What is known; left out when it does not wait.
   */
  constructor(clock: Clock, manual: ManualBuild | undefined) {
    this.#clock = clock;
    this.#manual = manual;
    this.#isPromoted = manual?.isPromoted ?? false;
  }

  /** Whether the build may be swapped in. */
  get isApproved(): boolean {
    return this.#manual === undefined || this.#isPromoted;
  }

  /** Whether there is something to go on with. */
  get continues(): boolean {
    return this.#manual?.continues === true || this.#isPromoted;
  }

  /** Whether it waits to be promoted, or for a place since it was. */
  get isParked(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** Time waited, in milliseconds. */
  get parkedMs(): number {
    return this.#parkedMs +
      (this.#sinceMs === undefined
        ? 0
        : this.#clock.monotonicMs() - this.#sinceMs);
  }

  /** Resolves when the build needs its place no more: it has ended, or waits. */
  get resting(): Promise<void> {
    return this.#resting.promise;
  }

  /** Begins to wait. */
  park(): void {
    this.#sinceMs = this.#clock.monotonicMs();
    this.rest();
    this.#manual?.onPark();
  }

  /** May be swapped in, and needs a place again. */
  promote(): void {
    this.#isPromoted = true;
    this.#resting = Promise.withResolvers();
  }

  /** May not be swapped in after all. */
  demote(): void {
    if (this.#isPromoted) this.#manual?.onDemote();
    this.#isPromoted = false;
  }

  /** Has a place again. */
  leave(): void {
    this.#parkedMs = this.parkedMs;
    this.#sinceMs = undefined;
  }

  /** Needs its place no more. */
  rest(): void {
    this.#resting.resolve();
  }
}
