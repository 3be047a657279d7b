/**
 * Finding the next whole frame behind a damaged place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Position } from "../events/event.ts";
import type { FileHandle } from "../storage/file_system.ts";
import { readFully } from "../storage/read_fully.ts";
import {
  FRAME_HEADER_BYTES_MAX,
  KEY_FRAME,
  parseFrameHeader,
} from "./format.ts";
import { FrameReader } from "./frame_reader.ts";

const WINDOW_BYTES = 1_024 * 1_024;

// Without the line end before it, which is damaged when the frame before it is. Data may contain
// this, but no whole header line, which ends in a line end: those are escaped within JSON texts.
const FRAME_START = Buffer.from(KEY_FRAME);

/** Where a whole frame begins. */
export interface FoundFrame {
  /** Where in the file, in bytes. */
  readonly offset: number;
  /** Position of its first event. */
  readonly first: Position;
}

/**
 * Looks for a whole frame with the right checksum.
 *
 * @param file The segment.
 * @param from Where to begin, in bytes.
 * @returns The first such frame that begins at or behind `from`; `undefined` when there is none.
 */
export function findNextFrame(
  file: FileHandle,
  from: number,
): FoundFrame | undefined {
  const size = file.size();
  let base = from;
  const window = Buffer.alloc(WINDOW_BYTES);
  while (base + FRAME_START.length <= size) {
    const filled = readFully(file, window, base);
    const bytes = window.subarray(0, filled);
    for (
      let at = bytes.indexOf(FRAME_START);
      at >= 0;
      at = bytes.indexOf(FRAME_START, at + 1)
    ) {
      const first = firstOfWholeFrame(file, base + at);
      if (first !== undefined) return { offset: base + at, first };
    }
    // Windows overlap, so that no beginning is missed between them.
    const step = filled - FRAME_START.length + 1;
    if (step <= 0) return undefined;
    base += step;
  }
  return undefined;
}

function firstOfWholeFrame(
  file: FileHandle,
  offset: number,
): Position | undefined {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES_MAX);
  const filled = readFully(file, bytes, offset);
  const header = parseFrameHeader(bytes, 0, filled);
  if (header === undefined) return undefined;
  using reader = new FrameReader(file, { offset, first: header.first });
  return reader.read() ? header.first : undefined;
}
