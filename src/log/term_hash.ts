/**
 * Tags as numbers: what the index file keeps instead of their text.
 *
 * @module
 */
import type { Tag } from "../events/event.ts";

/** All hashes are below this. */
export const TAG_HASH_MAX: number = 2 ** 53;

const HIGH_BITS = 0x1f_ffff;
const LOW_RANGE = 2 ** 32;

/**
 * A number of 53 bits for a tag. Two tags can have the same one: whoever looks a tag up by it
 * must compare the event's tags.
 *
 * @param tag The tag.
 * @returns An integer from 0 to 2^53 - 1, evenly spread.
 */
export function hashTag(tag: Tag): number {
  let low = 0x243f6a88;
  let high = 0x85a308d3;
  for (let i = 0; i < tag.length; i++) {
    const unit = tag.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul(high ^ unit, 0x85ebca77);
    // Carries what the multiplication moved up back down, where the next unit goes in.
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (high >>> 11), 0xc2b2ae3d);
  high = Math.imul(high ^ (low >>> 16), 0x27d4eb2f);
  low ^= low >>> 15;
  high ^= high >>> 14;
  return (high & HIGH_BITS) * LOW_RANGE + (low >>> 0);
}
