/**
 * Chance that can be repeated, also in what the store makes up by itself.
 *
 * @module
 */

import { Random } from "../random.ts";

export { Random } from "../random.ts";

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
