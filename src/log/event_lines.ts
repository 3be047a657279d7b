/**
 * Goes through the event lines of frames without parsing those that nobody wants.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Position, StoredEvent } from "../events/event.ts";
import { AFTER_POSITION, EVENT_START, NEWLINE } from "./format.ts";
import type { FrameRun } from "./frame_reader.ts";

/** An event line within a piece of a run of frames. */
export interface EventLine {
  /** The piece that holds it, one character a byte: right for ASCII, which most lines are. */
  text: string;
  /** Where it begins in the text. */
  start: number;
  /** Where it ends, without the line end. */
  end: number;
  /** Position of the event. */
  position: Position;
  /** The bytes of the run, and where in them the text begins. */
  readonly bytes: RunBytes;
  offset: number;
}

/** The bytes of a run of frames, and four at a time what lies under them. */
interface RunBytes {
  readonly all: Buffer;
  readonly words: Uint32Array;
}

// Text of this length stays in the processor's cache between decoding and parsing.
const PIECE_BYTES = 64 * 1_024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The lines of a frame are not what its header says, although its checksum is right. */
export class EventLinesError extends Error {
  override readonly name = "EventLinesError";

  /** @param position The event whose line is malformed. */
  constructor(readonly position: Position, options?: ErrorOptions) {
    super(`The line of event ${position} is malformed`, options);
  }
}

/**
 * The event lines of a run of frames, in order. To spare the garbage collector it is one object,
 * changed with every step.
 *
 * @param run The frames.
 * @param after Lines up to and including this position are skipped.
 * @returns The lines.
 * @throws {EventLinesError} If a line is missing or left over.
 */
export function* eventLines(
  { frames, bytes }: FrameRun,
  after: Position,
): Generator<EventLine, void, void> {
  const { buffer, byteOffset, length } = bytes;
  const all = Buffer.from(buffer, byteOffset, length);
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
  const line: EventLine = {
    text: "",
    start: 0,
    end: 0,
    position: 0,
    bytes: { all, words },
    offset: 0,
  };
  let frameIndex = 0;
  let linesLeft = 0;
  let next = frames[0]?.first ?? 0;
  for (let at = 0; at < bytes.length;) {
    const end = endOfPiece(bytes, at);
    // Decoding UTF-8 costs ten times as much, and parsing two bytes a character half as much again.
    const text = all.toString("latin1", at, end);
    line.text = text;
    line.offset = at;
    at = end;
    for (let start = 0; start < text.length;) {
      const lineEnd = text.indexOf("\n", start);
      if (lineEnd < 0) throw new EventLinesError(next);
      if (linesLeft === 0) {
        // A header line: its content is known already.
        const frame = frames[frameIndex++];
        if (frame === undefined) throw new EventLinesError(next);
        linesLeft = frame.count;
        next = frame.first;
      } else {
        linesLeft--;
        if (next > after) {
          line.start = start;
          line.end = lineEnd;
          line.position = next;
          yield line;
        }
        next++;
      }
      start = lineEnd + 1;
    }
  }
  if (linesLeft > 0) throw new EventLinesError(next);
}

/**
 * The type of an event, read from its place in the line.
 *
 * @param line The line.
 * @returns The type; `undefined` when it is not plain ASCII, so that the line must be parsed.
 */
export function typeOfLine(
  { text, start, position }: EventLine,
): string | undefined {
  const typeStart = start + EVENT_START.length + digitsOf(position) +
    AFTER_POSITION.length;
  const typeEnd = text.indexOf('"', typeStart);
  const type = text.substring(typeStart, typeEnd);
  return NOT_PLAIN.test(type) ? undefined : type;
}

/**
 * The id of an event, read from the line.
 *
 * @param line The line.
 * @returns The id.
 */
export function idOfLine({ text, start }: EventLine): string {
  // Within the type and the tags, which come before it, quotes are escaped.
  const idStart = text.indexOf(BEFORE_ID, start) + BEFORE_ID.length;
  return text.substring(idStart, text.indexOf('"', idStart));
}

const BEFORE_ID = ',"id":"';

/** Escaped, or beyond ASCII. */
const NOT_PLAIN = /[\\\x80-\xff]/;

/**
 * Parses a line.
 *
 * @param line The line.
 * @returns The event.
 * @throws {EventLinesError} If it is not the event of its position.
 */
export function parseLine(line: EventLine): StoredEvent {
  return parseEventText(textOfLine(line), line.position);
}

/**
 * The text of a line, without its end. It may share memory with the lines around it: it is not
 * for keeping.
 *
 * @param line The line.
 * @returns The text.
 * @throws {EventLinesError} If it is not UTF-8.
 */
export function textOfLine(line: EventLine): string {
  return isAscii(line)
    ? line.text.substring(line.start, line.end)
    : decodeLine(line);
}

/**
 * Parses the text of a line.
 *
 * @param text The line without its end.
 * @param position Which event it must be.
 * @returns The event.
 * @throws {EventLinesError} If it is not the event of its position.
 */
export function parseEventText(text: string, position: Position): StoredEvent {
  let event: StoredEvent;
  try {
    event = JSON.parse(text);
  } catch (cause) {
    throw new EventLinesError(position, { cause });
  }
  if (event?.position !== position) throw new EventLinesError(position);
  return event;
}

/** Whether a line is ASCII; may say no when only its neighbours are not. */
function isAscii({ bytes, offset, start, end }: EventLine): boolean {
  const { all, words } = bytes;
  const from = all.byteOffset + offset;
  const last = (from + end) >>> 2;
  for (let i = (from + start) >>> 2; i <= last; i++) {
    // Beyond the last whole word nothing is known.
    if (((words[i] ?? 0x80) & 0x80808080) !== 0) return false;
  }
  return true;
}

function endOfPiece(bytes: Uint8Array, at: number): number {
  const wanted = at + PIECE_BYTES;
  if (wanted >= bytes.length) return bytes.length;
  const before = bytes.lastIndexOf(NEWLINE, wanted - 1);
  if (before >= at) return before + 1;
  const behind = bytes.indexOf(NEWLINE, wanted);
  return behind < 0 ? bytes.length : behind + 1;
}

function decodeLine(
  { bytes, offset, start, end, position }: EventLine,
): string {
  try {
    return decoder.decode(bytes.all.subarray(offset + start, offset + end));
  } catch (cause) {
    throw new EventLinesError(position, { cause });
  }
}

let digits = 1;
let digitsBelow = 10;

/** Number of decimal digits; positions come in order, so the last answer is mostly right. */
function digitsOf(position: Position): number {
  if (position >= digitsBelow || position * 10 < digitsBelow) {
    digits = String(position).length;
    digitsBelow = 10 ** digits;
  }
  return digits;
}
