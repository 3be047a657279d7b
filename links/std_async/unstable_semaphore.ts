/**
 * Stand-in for `@std/async/unstable-semaphore` where JSR cannot be reached: the same API and the
 * same behaviour, our own implementation. Never published.
 *
 * @module
 */

/** Limits how many may do something at once; those who wait are served first come, first served. */
export class Semaphore {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /**
   * @param max How many permits there are. 1 makes a mutex.
   * @throws {TypeError} If `max` is less than 1.
   */
  constructor(max: number = 1) {
    if (max < 1) {
      throw new TypeError(
        `Cannot create semaphore as 'max' must be at least 1: current value is ${max}`,
      );
    }
    this.#max = max;
    this.#free = max;
  }

  /**
   * Takes a permit, waiting for one if need be.
   *
   * @returns What to dispose to give the permit back.
   */
  async acquire(): Promise<Disposable> {
    const permit = this.tryAcquire();
    if (permit) return permit;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
    return this.#permit();
  }

  /**
   * Takes a permit if one is free.
   *
   * @returns What to dispose to give the permit back, or `undefined` when none was free.
   */
  tryAcquire(): Disposable | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#permit();
  }

  /** Gives a permit back: to whoever waits longest, else to the free ones. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else if (this.#free < this.#max) this.#free++;
  }

  // As with the real one, disposing a permit twice releases twice.
  #permit(): Disposable {
    return { [Symbol.dispose]: () => this.release() };
  }
}
