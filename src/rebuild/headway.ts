/**
 * Up to where the work of a rebuild is done: what operators see move.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** Takes note of how far a rebuild is, and never goes back. */
export class Headway {
  #told: Position = 0;
  #done: Position = 0;
  /** Where the work began anew, and how far it had come before. */
  #anew: { readonly from: Position; readonly at: Position } | undefined;

  /** Position up to which the work is done, about: with a fraction for what is half done. */
  get done(): Position {
    return this.#done;
  }

  /**
   * Takes note of how far it is.
   *
   * @param worked Position up to which the work is done. Less than before when it began anew:
   * what is left of the way is spread over the work that is to be done again.
   * @param target Position where the work ends.
   * @returns Whether it came further.
   */
  advance(worked: Position, target: Position): boolean {
    if (worked < this.#told) this.#anew = { from: worked, at: this.#done };
    this.#told = worked;
    const before = this.#done;
    const seen = Math.min(this.#seen(worked, target), target);
    // What was spread has been made up for.
    if (seen <= worked) this.#anew = undefined;
    this.#done = Math.max(before, seen);
    return this.#done > before;
  }

  #seen(worked: Position, target: Position): Position {
    if (this.#anew === undefined) return worked;
    const { from, at } = this.#anew;
    if (target <= from) return worked;
    return at + (worked - from) * (target - at) / (target - from);
  }
}
