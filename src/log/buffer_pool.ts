/**
 * Buffers used again: taking fresh memory costs far more than reading a file into old memory.
 *
 * @module
 */

/** Buffers kept at most, and their size at most in bytes: what the pool holds on to. */
const KEPT_MAX = 4;
const KEPT_BYTES_MAX = 4 * 1_024 * 1_024;

const kept: Uint8Array<ArrayBuffer>[] = [];

/**
 * Takes a buffer of unknown content.
 *
 * @param bytesMin Its size at least.
 * @returns The buffer.
 */
export function takeBuffer(bytesMin: number): Uint8Array<ArrayBuffer> {
  const index = kept.findIndex(({ length }) => length >= bytesMin);
  const [found] = index < 0 ? [] : kept.splice(index, 1);
  return found ?? new Uint8Array(bytesMin);
}

/**
 * Gives a buffer back. Nobody may use it, or a view of it, any more.
 *
 * @param buffer The buffer.
 */
export function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer.length > KEPT_BYTES_MAX) return;
  kept.push(buffer);
  if (kept.length <= KEPT_MAX) return;
  // The larger ones are the ones worth keeping.
  kept.sort((a, b) => b.length - a.length).length = KEPT_MAX;
}
