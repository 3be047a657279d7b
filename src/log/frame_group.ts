/**
 * The frames that one write puts at the end of the log.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import { giveBuffer, takeBuffer } from "./buffer_pool.ts";
import { encodeFrame } from "./format.ts";
import type { FrameLocation } from "./index_tail.ts";
import type { SegmentedLog } from "./segmented_log.ts";

/** Most groups fit into a buffer of this size, so that the next one finds it in the pool. */
const BUFFER_BYTES_MIN = 64 * 1_024;

const encoder = new TextEncoder();

/** Frames for the last segment, which is neither written to nor sealed before they are written. */
export class FrameGroup {
  /** Position of the last event. */
  last: Position;
  /** Length of all frames, in bytes. */
  bytes = 0;

  readonly #log: SegmentedLog;
  readonly #segment: Position;
  #text = "";
  #crc: number;

  /** @param log The log that they are for, with a segment that is not full. */
  constructor(log: SegmentedLog) {
    this.#log = log;
    this.#segment = log.segments.at(-1)?.first ?? 1;
    this.#crc = log.crc;
    this.last = log.end;
  }

  /**
   * Adds a frame.
   *
   * @param rests Its events: see `encodeEventRest()`.
   * @returns Where it will stand.
   */
  add(rests: readonly string[]): FrameLocation {
    const { head: durable, offset: start } = this.#log;
    const first = this.last + 1;
    const frame = encodeFrame({ first, rests, prev: this.#crc, durable });
    const offset = start + this.bytes;
    this.#text += frame.text;
    this.#crc = frame.crc;
    this.bytes += frame.bytes;
    this.last += rests.length;
    return { first, segment: this.#segment, offset, crc: frame.crc };
  }

  /**
   * Writes the frames, all or none.
   *
   * @throws What `SegmentedLog.write()` throws.
   */
  write(): void {
    const buffer = takeBuffer(Math.max(this.bytes, BUFFER_BYTES_MIN));
    try {
      encoder.encodeInto(this.#text, buffer);
      const frames = buffer.subarray(0, this.bytes);
      this.#log.write(frames, this.last, this.#crc);
    } finally {
      giveBuffer(buffer);
    }
  }
}
