/**
 * Chance that can be repeated: what a seed leads to is always the same.
 *
 * @module
 */

/** Numbers that look random and follow from a seed. */
export class Random {
  #state: number;

  /** @param seed Where to begin. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 up to and without `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  /** One of several. */
  of<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("There is nothing to choose");
    return items[this.below(items.length)] as T;
  }

  /** Bytes without a meaning. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/** How often to try, by an environment variable; prints nothing. */
export function scale(name: string, quick: number): number {
  const value = Number(Deno.env.get(name) ?? quick);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot scale by '${name}': it must be an integer`);
  }
  return value;
}
