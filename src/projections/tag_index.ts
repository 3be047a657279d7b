/**
 * Finds numbers by tag: a hash table in typed arrays, which takes a fifth of the memory of a map
 * with the tags in it.
 *
 * The tags themselves are not kept. What is found may belong to another tag of the same hash, so
 * whoever asks must look.
 *
 * @module
 */
import type { Position, Tag } from "../events/event.ts";
import { hashText } from "./text_hash.ts";

const CAPACITY_MIN = 1_024;

/** What is kept for a tag. */
export interface TagEntry {
  /** Position of the event. */
  readonly position: Position;
  /** Where its text is. */
  readonly at: number;
}

/** Entries by tag. */
export class TagIndex {
  /** Newest entry of each hash, counted from 1; 0 for a free slot. */
  #slots = new Uint32Array(CAPACITY_MIN * 2);
  #hashes = new Uint32Array(CAPACITY_MIN);
  #positions = new Float64Array(CAPACITY_MIN);
  #places = new Float64Array(CAPACITY_MIN);
  /** The entry before of the same hash, counted from 1; 0 for none. */
  #earlier = new Uint32Array(CAPACITY_MIN);
  #count = 0;

  /** Memory taken, in bytes. */
  get bytes(): number {
    return this.#slots.byteLength + this.#hashes.byteLength +
      this.#positions.byteLength + this.#places.byteLength +
      this.#earlier.byteLength;
  }

  /** Adds an entry. For each tag, positions must ascend. */
  add(tag: Tag, { position, at }: TagEntry): void {
    if (this.#count === this.#hashes.length) this.#grow();
    const hash = hashText(tag);
    const slot = this.#slotOf(hash);
    const entry = this.#count++;
    this.#hashes[entry] = hash;
    this.#positions[entry] = position;
    this.#places[entry] = at;
    this.#earlier[entry] = this.#slots[slot] ?? 0;
    this.#slots[slot] = entry + 1;
  }

  /**
   * The entries of a tag, and of others with the same hash, before a position.
   *
   * @param tag The tag.
   * @param before Exclusive upper bound.
   * @returns Where their texts are, in order of position.
   */
  find(tag: Tag, before: Position): number[] {
    const places: number[] = [];
    let entry = this.#slots[this.#slotOf(hashText(tag))] ?? 0;
    while (entry > 0) {
      const at = this.#places[entry - 1] ?? 0;
      // Once, even when an event bears two tags of the same hash.
      const isNew = places[places.length - 1] !== at;
      if ((this.#positions[entry - 1] ?? 0) < before && isNew) places.push(at);
      entry = this.#earlier[entry - 1] ?? 0;
    }
    return places.length > 1 ? places.reverse() : places;
  }

  /** The slot of a hash, or the free one where it belongs. */
  #slotOf(hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0 || this.#hashes[entry - 1] === hash) return slot;
    }
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    this.#hashes = enlarged(this.#hashes, new Uint32Array(capacity));
    this.#positions = enlarged(this.#positions, new Float64Array(capacity));
    this.#places = enlarged(this.#places, new Float64Array(capacity));
    this.#earlier = enlarged(this.#earlier, new Uint32Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    // Later entries take the place of earlier ones of the same hash, which they lead to.
    for (let entry = 0; entry < this.#count; entry++) {
      this.#slots[this.#slotOf(this.#hashes[entry] ?? 0)] = entry + 1;
    }
  }
}

function enlarged<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
