/**
 * Goes through the event lines of frames without parsing those that nobody wants.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import { AFTER_POSITION, EVENT_START, NEWLINE } from "./format.ts";
import type { FrameRun } from "./frame_reader.ts";

/** An event line within a text. */
export interface EventLine {
  /** The text that holds it. */
  text: string;
  /** Where it begins in the text. */
  start: number;
  /** Where it ends, without the line end. */
  end: number;
  /** Position of the event. */
  position: Position;
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
  const line: EventLine = { text: "", start: 0, end: 0, position: 0 };
  let frameIndex = 0;
  let linesLeft = 0;
  let next = frames[0]?.first ?? 0;
  for (let at = 0; at < bytes.length;) {
    const end = endOfPiece(bytes, at);
    const text = decodePiece(bytes.subarray(at, end), next);
    line.text = text;
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
 * @returns The type; `undefined` when its text is escaped, so that the line must be parsed.
 */
export function typeOfLine(
  { text, start, position }: EventLine,
): string | undefined {
  const typeStart = start + EVENT_START.length + digitsOf(position) +
    AFTER_POSITION.length;
  const typeEnd = text.indexOf('"', typeStart);
  const type = text.substring(typeStart, typeEnd);
  return type.includes("\\") ? undefined : type;
}

/**
 * Parses a line.
 *
 * @param line The line.
 * @returns The event.
 * @throws {EventLinesError} If it is not the event of its position.
 */
export function parseLine(
  { text, start, end, position }: EventLine,
): StoredEvent {
  let event: StoredEvent;
  try {
    event = JSON.parse(text.substring(start, end));
  } catch (cause) {
    throw new EventLinesError(position, { cause });
  }
  if (event?.position !== position) throw new EventLinesError(position);
  return event;
}

function endOfPiece(bytes: Uint8Array, at: number): number {
  const wanted = at + PIECE_BYTES;
  if (wanted >= bytes.length) return bytes.length;
  const before = bytes.lastIndexOf(NEWLINE, wanted - 1);
  if (before >= at) return before + 1;
  const behind = bytes.indexOf(NEWLINE, wanted);
  return behind < 0 ? bytes.length : behind + 1;
}

function decodePiece(bytes: Uint8Array, position: Position): string {
  try {
    return decoder.decode(bytes);
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
