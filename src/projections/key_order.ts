/**
 * The order of documents: that of SQLite, by the bytes of their keys in UTF-8.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/**
 * Whether one key comes before another.
 *
 * @param a The one.
 * @param b The other.
 * @returns Whether it does; `false` when they are the same.
 */
export function isKeyBefore(a: string, b: string): boolean {
  return a !== b && Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
