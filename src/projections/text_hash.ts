/**
 * A hash of texts, for tables and for the division of keys.
 *
 * @module
 */

/**
 * Hashes a text: FNV-1a over its UTF-16 units, the upper bits mixed into the lower ones.
 *
 * @param text The text.
 * @returns An integer from 0 to 2^32 - 1; equal texts have equal ones.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15) ^ (hash >>> 23)) >>> 0;
}
