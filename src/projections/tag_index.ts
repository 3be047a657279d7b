/**
 * Finds numbers by tag: a hash table in one typed array, so that a look-up touches one line of the
 * processor's cache. A map with the tags in it takes five times the memory, and as many touches.
 *
 * The tags themselves are not kept. What is found may belong to another tag of the same hash, so
 * whoever asks must look.
 *
 * @module
 */
import type { Tag } from "../events/event.ts";
import { hashText } from "./text_hash.ts";

const CAPACITY_MIN = 1_024;

/** A slot: the hash, the newest number, and where the one before it stands in the chains. */
const SLOT_WORDS = 4;
const HASH = 0;
/** Counted from 1; 0 marks a free slot. */
const NEWEST = 1;
const EARLIER = 2;

/** A link of a chain: a number, counted from 1, and where the one before it stands. */
const LINK_WORDS = 2;

/** Numbers by tag. */
export class TagIndex {
  #slots = new Uint32Array(CAPACITY_MIN * SLOT_WORDS);
  #mask = CAPACITY_MIN - 1;
  #used = 0;
  /** Where a slot has more than one number. The first link stays free: 0 means none. */
  #links = new Uint32Array(CAPACITY_MIN);
  #linksEnd = LINK_WORDS;

  /** Memory taken, in bytes. */
  get bytes(): number {
    return this.#slots.byteLength + this.#links.byteLength;
  }

  /** Adds a number. For each tag they must not descend; one that is there is not added again. */
  add(tag: Tag, number: number): void {
    const hash = hashText(tag);
    const at = this.#slotOf(hash);
    const slots = this.#slots;
    const newest = slots[at + NEWEST] ?? 0;
    // An event may bear two tags of the same hash.
    if (newest === number + 1) return;
    if (newest > 0) {
      slots[at + EARLIER] = this.#link(newest, slots[at + EARLIER] ?? 0);
    } else this.#used++;
    slots[at + HASH] = hash;
    slots[at + NEWEST] = number + 1;
    if (this.#used * 2 > this.#mask) this.#grow();
  }

  /**
   * The numbers of a tag, and of others with the same hash.
   *
   * @param tag The tag.
   * @returns The numbers, ascending.
   */
  find(tag: Tag): readonly number[] {
    const at = this.#slotOf(hashText(tag));
    const newest = this.#slots[at + NEWEST] ?? 0;
    if (newest === 0) return [];
    const numbers = [newest - 1];
    for (let link = this.#slots[at + EARLIER] ?? 0; link > 0;) {
      numbers.push((this.#links[link] ?? 0) - 1);
      link = this.#links[link + 1] ?? 0;
    }
    return numbers.length > 1 ? numbers.reverse() : numbers;
  }

  /** Where the slot of a hash begins, or the free one where it belongs. */
  #slotOf(hash: number): number {
    const mask = this.#mask;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS;
      const isFree = this.#slots[at + NEWEST] === 0;
      if (isFree || this.#slots[at + HASH] === hash) return at;
    }
  }

  #link(number: number, earlier: number): number {
    if (this.#linksEnd === this.#links.length) {
      const links = new Uint32Array(this.#links.length * 2);
      links.set(this.#links);
      this.#links = links;
    }
    const link = this.#linksEnd;
    this.#links[link] = number;
    this.#links[link + 1] = earlier;
    this.#linksEnd += LINK_WORDS;
    return link;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + NEWEST] === 0) continue;
      const to = this.#slotOf(old[from + HASH] ?? 0);
      this.#slots.set(old.subarray(from, from + SLOT_WORDS), to);
    }
  }
}
