/**
 * Many texts, packed into few buffers: a fraction of the memory that as many objects take, and
 * nothing for the garbage collector to look through.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const CHUNK_BYTES = 1_024 * 1_024;
const LENGTH_BYTES = 4;

/** Set in the length of a text that is not ASCII alone. */
const NOT_ASCII = 0x8000_0000;

const encoder = new TextEncoder();

/** Keeps texts until it is dropped as a whole. */
export class TextArena {
  readonly #chunks: Buffer<ArrayBuffer>[] = [];
  /** How much of the last chunk is filled. */
  #filled = CHUNK_BYTES;
  #bytes = 0;

  /** Memory in use, in bytes: what of a buffer was never written to, the system has not given. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a text.
   *
   * @param text The text; well-formed.
   * @returns Where it is.
   */
  add(text: string): number {
    // A UTF-16 unit takes at most three bytes.
    const bytesMax = LENGTH_BYTES + text.length * 3;
    if (this.#filled + bytesMax > CHUNK_BYTES) this.#grow(bytesMax);
    const index = this.#chunks.length - 1;
    const chunk = this.#chunks[index] as Buffer<ArrayBuffer>;
    const start = this.#filled;
    const { written } = encoder.encodeInto(
      text,
      chunk.subarray(start + LENGTH_BYTES),
    );
    const isAscii = written === text.length;
    chunk.writeUInt32LE((isAscii ? written : written | NOT_ASCII) >>> 0, start);
    this.#filled = start + LENGTH_BYTES + written;
    this.#bytes += LENGTH_BYTES + written;
    return index * CHUNK_BYTES + start;
  }

  /**
   * Reads a text.
   *
   * @param at Where it is.
   * @returns The text.
   */
  get(at: number): string {
    const chunk = this.#chunks[Math.floor(at / CHUNK_BYTES)];
    if (!chunk) throw new RangeError(`Cannot find a text at ${at}`);
    const start = at % CHUNK_BYTES;
    const lengthAndEncoding = chunk.readUInt32LE(start);
    const from = start + LENGTH_BYTES;
    const to = from + (lengthAndEncoding & ~NOT_ASCII);
    const isAscii = (lengthAndEncoding & NOT_ASCII) === 0;
    // One character a byte: far cheaper than decoding.
    return chunk.toString(isAscii ? "latin1" : "utf8", from, to);
  }

  #grow(bytesMin: number): void {
    this.#chunks.push(Buffer.alloc(Math.max(CHUNK_BYTES, bytesMin)));
    this.#filled = 0;
  }
}
