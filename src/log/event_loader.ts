/**
 * Reads single events by their positions.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Position, StoredEvent } from "../events/event.ts";
import { LogCorruptionError } from "./errors.ts";
import { EventLinesError, parseEventText } from "./event_lines.ts";
import { asCorruption } from "./event_scan.ts";
import { EVENT_START, NEWLINE } from "./format.ts";
import type { Frame, FrameRun } from "./frame_reader.ts";
import { LogCursor, type LogCursorOptions } from "./log_cursor.ts";

// A look-up reads from the nearest known frame on, which is about this far away.
const LOOKUP_BYTES = 16 * 1_024;

/** Digits of 2^53 - 1. */
const POSITION_DIGITS_MAX = 16;

/** An event and the length of its line in bytes. */
export interface LoadedEvent {
  readonly event: StoredEvent;
  readonly bytes: number;
}

/** Loads events; cheapest in ascending order. Dispose it to close its file. */
export class EventLoader implements Disposable {
  readonly #cursor: LogCursor;
  #run: FrameRun | undefined;

  /** @param options Where to read. */
  constructor(options: LogCursorOptions) {
    this.#cursor = new LogCursor({ ...options, runBytes: LOOKUP_BYTES });
  }

  /**
   * Reads one event.
   *
   * @param position Its position, within the log.
   * @returns The event.
   * @throws {LogCorruptionError} If the log is damaged there.
   */
  load(position: Position): LoadedEvent {
    const { run, frame } = this.#find(position);
    try {
      return readEvent(run, frame, position);
    } catch (error) {
      throw asCorruption(error, this.#cursor);
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#cursor[Symbol.dispose]();
  }

  #find(position: Position): { run: FrameRun; frame: Frame } {
    const held = this.#run && frameOf(this.#run, position);
    if (this.#run && held) return { run: this.#run, frame: held };
    this.#cursor.seek(position);
    for (;;) {
      this.#run = this.#cursor.read();
      if (this.#run === undefined) break;
      const frame = frameOf(this.#run, position);
      if (frame) return { run: this.#run, frame };
    }
    const file = this.#cursor.segment?.file ?? "events";
    const what = "the event is missing";
    throw new LogCorruptionError({ file, offset: 0, position, what });
  }
}

function frameOf(
  { frames }: FrameRun,
  position: Position,
): Frame | undefined {
  const last = frames.at(-1);
  const first = frames[0];
  if (!first || !last || position < first.first) return undefined;
  if (position >= last.first + last.count) return undefined;
  return frames.findLast((frame) => frame.first <= position);
}

function readEvent(
  { frames, bytes }: FrameRun,
  frame: Frame,
  position: Position,
): LoadedEvent {
  const runOffset = frames[0]?.offset ?? frame.offset;
  const payloadAt = frame.offset - runOffset + frame.headerBytes;
  const payload = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + payloadAt,
    frame.bytes,
  );
  const start = findLine(payload, position);
  const end = payload.indexOf(NEWLINE, start);
  if (start < 0 || end < 0) throw new EventLinesError(position);
  const text = payload.toString("utf8", start, end);
  return { event: parseEventText(text, position), bytes: end - start + 1 };
}

/** Where the line of an event begins; -1 when there is none. */
function findLine(payload: Buffer, position: Position): number {
  // Every line says its position at the same place, so that halving finds it in a few steps.
  let low = 0;
  let high = payload.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = middle === 0
      ? 0
      : payload.lastIndexOf(NEWLINE, middle - 1) + 1;
    const found = positionAt(payload, start);
    if (found === position) return start;
    if (found > position) {
      high = start;
    } else {
      low = payload.indexOf(NEWLINE, middle) + 1;
      if (low === 0) return -1;
    }
  }
  return -1;
}

function positionAt(payload: Buffer, start: number): Position {
  const at = start + EVENT_START.length;
  // No position has more digits; what follows them is no part of a number.
  return parseInt(payload.toString("latin1", at, at + POSITION_DIGITS_MAX), 10);
}
