/**
 * Events put aside in a temporary file, divided into parts by key: what lets a rebuild fold more
 * documents than fit in memory, one part after the other, without reading the log again for each.
 *
 * The file is derived and short-lived. It is never synced, and deleted when the scan ends; one
 * that a crash leaves behind is swept by the next build.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { appendFully } from "../storage/atomic_replace.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import { hashText } from "./text_hash.ts";

/** For which projections an event was put aside: a bit each. */
export type SpillMask = number;

/** How many parts there are. */
export const SPILL_PARTS = 256;

/** Bytes that a part collects in memory before it writes them. */
const PIECE_BYTES = 16 * 1_024;

/** Bytes written to the file at a time, about: small writes cost several times as much. */
const WRITE_BYTES = 512 * 1_024;

/** Mask, length and encoding come before each text. */
const HEADER_BYTES = 8;

/** Set in the length of a text that is not ASCII alone. */
const NOT_ASCII = 0x8000_0000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A run of bytes in the file. */
interface Piece {
  readonly offset: number;
  readonly bytes: number;
}

/** Where to put a spill. */
export interface EventSpillOptions {
  /** Where the file is. */
  readonly fileSystem: FileSystem;
  /** The file; it must not exist. */
  readonly path: string;
}

/** Events put aside. Dispose it to delete the file. */
export class EventSpill implements Disposable {
  readonly #options: EventSpillOptions;
  readonly #file: FileHandle;
  readonly #buffers: (Uint8Array<ArrayBuffer> | undefined)[] = new Array(
    SPILL_PARTS,
  ).fill(undefined);
  readonly #filled = new Uint32Array(SPILL_PARTS);
  readonly #pieces: Piece[][] = Array.from({ length: SPILL_PARTS }, () => []);
  /** Pieces that wait to be written together. */
  readonly #waiting = new Uint8Array(WRITE_BYTES);
  #waitingBytes = 0;
  #end = 0;
  /** Bytes that parts have collected and not written. */
  #collected = 0;

  /** @param options Where. */
  constructor(options: EventSpillOptions) {
    const { fileSystem, path } = options;
    this.#options = options;
    this.#file = fileSystem.open(path, { mode: "createNew" });
  }

  /** Bytes put aside. */
  get bytes(): number {
    return this.#end + this.#collected;
  }

  /**
   * The part of a key: the same for equal keys.
   *
   * @param key The key.
   * @returns 0 to {@linkcode SPILL_PARTS} - 1.
   */
  static partOf(key: string): number {
    return hashText(key) & (SPILL_PARTS - 1);
  }

  /**
   * Puts an event aside.
   *
   * @param part Where to.
   * @param mask For which projections.
   * @param text The event as JSON text.
   */
  add(part: number, mask: SpillMask, text: string): void {
    // A UTF-16 unit takes at most three bytes.
    const bytesMax = HEADER_BYTES + text.length * 3;
    if (bytesMax > PIECE_BYTES) {
      this.#addLarge(part, mask, text);
      return;
    }
    if ((this.#filled[part] ?? 0) + bytesMax > PIECE_BYTES) this.#write(part);
    const buffer = this.#buffers[part] ??= new Uint8Array(PIECE_BYTES);
    const start = this.#filled[part] ?? 0;
    const { written } = encoder.encodeInto(
      text,
      buffer.subarray(start + HEADER_BYTES),
    );
    writeHeader(buffer, start, mask, written, text);
    this.#filled[part] = start + HEADER_BYTES + written;
    this.#collected += HEADER_BYTES + written;
  }

  /**
   * Reads a part back, in the order in which it was put aside, and lets go of its memory.
   *
   * @param part The part.
   * @param take Called with each event's projections and text. The text may share memory with
   * others: it is not for keeping.
   * @returns Steps, with the bytes that each has read; others may run in between.
   */
  *read(
    part: number,
    take: (mask: SpillMask, text: string) => void,
  ): Generator<number> {
    this.#write(part);
    this.#writeOut();
    this.#buffers[part] = undefined;
    let buffer = new Uint8Array(PIECE_BYTES);
    for (const { offset, bytes } of this.#pieces[part] ?? []) {
      if (bytes > buffer.length) buffer = new Uint8Array(bytes);
      for (let read = 0; read < bytes;) {
        const count = this.#file.readAt(
          buffer.subarray(read, bytes),
          offset + read,
        );
        if (count === 0) {
          throw new Error(
            `Cannot go on rebuilding as the temporary file "${this.#options.path}" was cut off`,
          );
        }
        read += count;
      }
      readPiece(buffer.subarray(0, bytes), take);
      yield bytes;
    }
  }

  /** Deletes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#options.fileSystem.remove(this.#options.path);
  }

  #addLarge(part: number, mask: SpillMask, text: string): void {
    this.#write(part);
    const content = encoder.encode(text);
    const bytes = new Uint8Array(HEADER_BYTES + content.length);
    bytes.set(content, HEADER_BYTES);
    writeHeader(bytes, 0, mask, content.length, text);
    this.#append(part, bytes);
  }

  #write(part: number): void {
    const filled = this.#filled[part] ?? 0;
    const buffer = this.#buffers[part];
    if (filled === 0 || buffer === undefined) return;
    this.#append(part, buffer.subarray(0, filled));
    this.#filled[part] = 0;
    this.#collected -= filled;
  }

  #append(part: number, bytes: Uint8Array): void {
    if (this.#waitingBytes + bytes.length > WRITE_BYTES) this.#writeOut();
    if (bytes.length > WRITE_BYTES) appendFully(this.#file, bytes);
    else {
      this.#waiting.set(bytes, this.#waitingBytes);
      this.#waitingBytes += bytes.length;
    }
    this.#pieces[part]?.push({ offset: this.#end, bytes: bytes.length });
    this.#end += bytes.length;
  }

  #writeOut(): void {
    if (this.#waitingBytes === 0) return;
    appendFully(this.#file, this.#waiting.subarray(0, this.#waitingBytes));
    this.#waitingBytes = 0;
  }
}

function writeHeader(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  mask: SpillMask,
  length: number,
  text: string,
): void {
  const isAscii = length === text.length;
  const lengthAndEncoding = isAscii ? length : length | NOT_ASCII;
  // Byte by byte: on the hot path, and a view for each call is garbage.
  for (let i = 0; i < 4; i++) {
    bytes[at + i] = mask >>> (24 - 8 * i);
    bytes[at + 4 + i] = lengthAndEncoding >>> (24 - 8 * i);
  }
}

function readPiece(
  bytes: Uint8Array<ArrayBuffer>,
  take: (mask: SpillMask, text: string) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // One character a byte: right for ASCII, and far cheaper than decoding each text.
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1");
  for (let at = 0; at < bytes.length;) {
    const mask = view.getUint32(at);
    const lengthAndEncoding = view.getUint32(at + 4);
    const length = lengthAndEncoding & ~NOT_ASCII;
    const start = at + HEADER_BYTES;
    at = start + length;
    const isAscii = (lengthAndEncoding & NOT_ASCII) === 0;
    take(
      mask,
      isAscii
        ? all.substring(start, at)
        : decoder.decode(bytes.subarray(start, at)),
    );
  }
}
