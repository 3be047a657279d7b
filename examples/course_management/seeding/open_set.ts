/**
 * A set of small integers from which a random one is drawn in constant time.
 *
 * @module
 */
import type { SeededRandom } from "./random.ts";

/** Integers from 0 in no particular order. */
export class OpenSet {
  readonly #members: number[] = [];
  readonly #slots: number[] = [];

  /** How many members there are. */
  get size(): number {
    return this.#members.length;
  }

  /**
   * Makes `member` a member, or not.
   *
   * @param member An integer from 0.
   * @param isMember Whether it belongs to the set from now on.
   */
  set(member: number, { isMember }: { readonly isMember: boolean }): void {
    const slot = this.#slots[member] ?? -1;
    if (isMember === slot >= 0) return;
    if (isMember) {
      this.#slots[member] = this.#members.push(member) - 1;
      return;
    }
    // The last member takes the free slot: removing costs the same at any size.
    const last = this.#members.pop();
    this.#slots[member] = -1;
    if (last !== undefined && last !== member) {
      this.#members[slot] = last;
      this.#slots[last] = slot;
    }
  }

  /**
   * Draws a member, which stays in the set.
   *
   * @param random Chooses.
   * @returns Any member, each as likely, or `undefined` when there is none.
   */
  draw(random: SeededRandom): number | undefined {
    return this.size === 0
      ? undefined
      : this.#members[random.integer(0, this.size - 1)];
  }
}
