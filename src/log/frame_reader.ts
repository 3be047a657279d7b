/**
 * Reads the frames of one segment in order, checking each one.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileHandle } from "../storage/file_system.ts";
import { readFully } from "../storage/read_fully.ts";
import { giveBuffer, takeBuffer } from "./buffer_pool.ts";
import {
  FRAME_HEADER_BYTES_MAX,
  FRAME_PAYLOAD_BYTES_MAX,
  frameCrcMatches,
  type FrameHeader,
  parseFrameHeader,
} from "./format.ts";

/** A frame in the segment. */
export interface Frame extends FrameHeader {
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
}

/** Consecutive frames, read and checked. */
export interface FrameRun {
  /** The frames, at least one. */
  readonly frames: readonly Frame[];
  /** Their bytes, from the first header to the last event line. Valid until the next read. */
  readonly bytes: Uint8Array;
}

/** Where in a segment to begin, and what stands before. */
export interface FrameReaderStart {
  /** Where the first frame begins, in bytes. */
  readonly offset: number;
  /** Position of that frame. */
  readonly first: Position;
  /** CRC of the frame before; left out when it is unknown. */
  readonly prev?: number;
  /** Bytes read at first and handed out at a time, about. @default {65_536} */
  readonly runBytes?: number;
}

/** The place where reading stopped before the end of the file, and why. */
export interface FrameDamage {
  readonly offset: number;
  readonly what: string;
}

// Bytes handed out at a time, about: decoding text is fastest while it fits the processor's cache.
const RUN_BYTES = 64 * 1_024;

// Bytes asked from the file at a time; starts small, so that a look-up reads little.
const READ_BYTES_MAX = 512 * 1_024;

/**
 * Reads a segment forwards. The file stays open: it belongs to the caller. Dispose the reader to
 * give its memory back; what it handed out is void then.
 */
export class FrameReader implements Disposable {
  /** Where the next frame begins: everything before is whole and checked. */
  offset: number;
  /** Position of the next frame's first event. */
  next: Position;
  /** CRC of the last frame read, or what stands before the first, if known. */
  crc: number | undefined;
  /** Highest position that a frame read so far calls durable. */
  durable: Position = 0;
  /** Why reading stopped, unless at the end of the file. */
  damage: FrameDamage | undefined;

  readonly #file: FileHandle;
  readonly #runBytes: number;
  #buffer: Uint8Array<ArrayBuffer>;
  /** Where in the file the buffer's first byte lies. */
  #base: number;
  /** How much of the buffer is filled. */
  #filled = 0;
  #readBytes: number;

  /**
   * @param file The segment.
   * @param start Where to begin.
   */
  constructor(file: FileHandle, start: FrameReaderStart) {
    this.#file = file;
    this.offset = start.offset;
    this.#base = start.offset;
    this.next = start.first;
    this.crc = start.prev;
    this.#runBytes = start.runBytes ?? RUN_BYTES;
    this.#readBytes = this.#runBytes;
    this.#buffer = takeBuffer(this.#runBytes);
  }

  /**
   * Reads on.
   *
   * @returns The next frames; `undefined` at the end of the file or at `damage`.
   */
  read(): FrameRun | undefined {
    this.damage = undefined;
    const frames: Frame[] = [];
    let start = this.offset - this.#base;
    let at = start;
    while (at - start < this.#runBytes) {
      const header = parseFrameHeader(this.#buffer, at, this.#filled);
      const isWhole = header !== undefined &&
        at + header.headerBytes + header.bytes <= this.#filled;
      if (!isWhole) {
        // What was read is handed out before the buffer moves.
        if (frames.length > 0) break;
        if (!this.#fill(at, header)) return undefined;
        start = at = 0;
        continue;
      }
      const what = this.#findFault(at, header);
      if (what !== undefined) {
        if (frames.length > 0) break;
        this.damage = { offset: this.offset, what };
        return undefined;
      }
      frames.push({ ...header, offset: this.offset });
      const length = header.headerBytes + header.bytes;
      at += length;
      this.offset += length;
      this.next += header.count;
      this.crc = header.crc;
      this.durable = Math.max(this.durable, header.durable);
    }
    return { frames, bytes: this.#buffer.subarray(start, at) };
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    giveBuffer(this.#buffer);
    this.#buffer = new Uint8Array(0);
    this.#filled = 0;
  }

  #findFault(at: number, header: FrameHeader): string | undefined {
    if (header.first !== this.next) {
      return `expected position ${this.next}, found position ${header.first}`;
    }
    if (this.crc !== undefined && header.prev !== this.crc) {
      return "the frame does not follow the one before it";
    }
    if (!frameCrcMatches(this.#buffer, at, header)) {
      return "the checksum does not match";
    }
    return undefined;
  }

  /** Moves the frame at `at` to the buffer's start and reads more of it; `false` if there is none. */
  #fill(at: number, header: FrameHeader | undefined): boolean {
    const held = this.#filled - at;
    const remaining = this.#file.size() - this.offset;
    const wanted = header
      ? header.headerBytes + header.bytes
      : FRAME_HEADER_BYTES_MAX;
    if (header && header.bytes > FRAME_PAYLOAD_BYTES_MAX) {
      return this.#stop(`a frame of ${header.bytes} bytes is too large`);
    }
    // Compared with what the file holds before memory is taken for it.
    if (header && wanted > remaining) return this.#stop("the frame is cut off");
    if (!header && held >= wanted) return this.#stop("no frame begins here");
    if (remaining <= held) {
      return held > 0 && this.#stop("the frame is cut off");
    }
    const capacity = Math.max(wanted, this.#readBytes);
    if (capacity > this.#buffer.length) {
      const larger = takeBuffer(capacity);
      larger.set(this.#buffer.subarray(at, this.#filled));
      giveBuffer(this.#buffer);
      this.#buffer = larger;
    } else {
      this.#buffer.copyWithin(0, at, this.#filled);
    }
    this.#base = this.offset;
    this.#filled = held;
    this.#readBytes = Math.min(this.#readBytes * 4, READ_BYTES_MAX);
    const filledMax = Math.min(remaining, capacity);
    const room = this.#buffer.subarray(this.#filled, filledMax);
    this.#filled += readFully(this.#file, room, this.#base + this.#filled);
    // Nothing comes only of a file that was cut meanwhile: what is missing shows in the next round.
    return this.#filled > held;
  }

  #stop(what: string): false {
    this.damage = { offset: this.offset, what };
    return false;
  }
}
