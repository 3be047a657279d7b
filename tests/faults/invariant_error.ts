/**
 * How the checker of invariants says which one does not hold.
 *
 * @module
 */

/** The invariants, by number. */
export type InvariantId =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9";

/** Some invariant does not hold. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";

  /**
   * @param id Which one.
   * @param what What is the case instead.
   */
  constructor(readonly id: InvariantId, what: string) {
    super(`${id} does not hold: ${what}`);
  }
}

/**
 * Says that an invariant does not hold.
 *
 * @param id Which one.
 * @param what What is the case instead.
 */
export function fail(id: InvariantId, what: string): never {
  throw new InvariantError(id, what);
}
