/**
 * Deterministic randomness: the same seed gives the same numbers and ids, on every machine.
 *
 * @module
 */

/** A source of random numbers that a seed determines wholly. Not for secrets. */
export class SeededRandom {
  #state: number;

  /** @param seed An integer from 0 to 4,294,967,295. */
  constructor(seed: number) {
    this.#state = scramble(seed);
  }

  /**
   * A number from 0 up to, not including, 1.
   *
   * @returns The number.
   */
  fraction(): number {
    // A Weyl sequence, scrambled: every 32-bit state comes exactly once a period.
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return scramble(this.#state) / 0x1_0000_0000;
  }

  /**
   * An integer.
   *
   * @param min The least.
   * @param max The greatest.
   * @returns An integer from `min` to `max`.
   */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /**
   * One of several values.
   *
   * @param values At least one.
   * @returns Any of them, each as likely.
   */
  pick<T>(values: readonly [T, ...T[]]): T {
    return values[this.integer(0, values.length - 1)] ?? values[0];
  }
}

/**
 * The id of the n-th thing of a kind. Things of one kind and seed never share an id: its first 32
 * bits follow from the index reversibly.
 *
 * @param seed The seed of the data set, an integer from 0 to 4,294,967,295.
 * @param kind Tells apart what is numbered independently.
 * @param index Which one, an integer from 0 to 4,294,967,295.
 * @returns A UUID of version 4.
 */
export function seededUuid(seed: number, kind: number, index: number): string {
  const a = scramble(index ^ scramble(seed + kind * 0x6d2b79f5));
  const b = scramble(a ^ seed ^ 0x2545f491);
  const c = scramble(b + kind + 0x9e3779b9);
  const d = scramble(c ^ index);
  const hex = hex32(a) + hex32((b & 0xffff0fff) | 0x4000) +
    hex32((c & 0x3fffffff) | 0x80000000) + hex32(d);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-` +
    `${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Maps the 32-bit integers onto themselves so that neighbours land far apart. */
function scramble(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}
