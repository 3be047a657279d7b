/**
 * Chance that can be repeated.
 *
 * @module
 */

/** Draws the same numbers for the same seed. */
export class Random {
  #state: number;

  /** @param seed Where to begin. */
  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 on and below `end`. */
  below(end: number): number {
    // Mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4_294_967_296 * end);
  }

  /** One of several. */
  of<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Nothing to choose from");
    return choices[this.below(choices.length)] as T;
  }

  /** Bytes without a meaning. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/**
 * Lets `crypto.randomUUID()` give the same ids for the same seed until disposed: names of
 * temporary files and ids of stores are part of what a crash leaves behind.
 *
 * @param seed Where to begin.
 */
export function seededIds(seed: number): Disposable {
  const random = new Random(seed);
  const hex = (length: number) =>
    Array.from({ length }, () => random.below(16).toString(16)).join("");
  Object.defineProperty(crypto, "randomUUID", {
    configurable: true,
    value: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
  });
  return {
    [Symbol.dispose]: () => {
      Reflect.deleteProperty(crypto, "randomUUID");
    },
  };
}
