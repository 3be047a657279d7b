/**
 * Reads a file of events in batches that the store takes in one append, checking every line and
 * that the positions go on without a gap.
 *
 * @module
 */
import type { EventInput, Position } from "../events/event.ts";
import { EVENT_LIMITS } from "../events/validation.ts";
import { EventLineError, type LineEvent, readEventLine } from "./event_line.ts";
import { LineError, readLineBlocks } from "./line_blocks.ts";

/** Most events in a batch. */
const BATCH_SIZE = 1_000;

/** An event is at least about as long as its line; half leaves room for what is encoded anew. */
const BATCH_UNITS_MAX = EVENT_LIMITS.appendBytesMax / 4;

/** Events to be appended together. */
export interface FileBatch {
  /** The events, in order. */
  readonly events: readonly EventInput[];
  /** Position of the last of them. */
  readonly last: Position;
  /** Bytes of the file read so far. */
  readonly bytesRead: number;
}

/** A line of a file cannot be imported. */
export class ImportError extends Error {
  override readonly name = "ImportError";

  /**
   * @param file The file, as it was given.
   * @param line The number of the line, from 1.
   * @param what What is wrong with it.
   * @param options `cause`: what was found.
   */
  constructor(
    readonly file: string,
    readonly line: number,
    what: string,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot import line ${line} of ${JSON.stringify(file)} as ${what}`,
      options,
    );
  }
}

/**
 * Reads the events of a file. Lines of white space are passed over.
 *
 * @param file The file, as it was given, for messages.
 * @param source What it contains.
 * @param head Position before the first event.
 * @returns The events in batches, in order.
 * @throws {ImportError} If a line is no event, or its position does not follow.
 */
export async function* readEventFile(
  file: string,
  source: AsyncIterable<Uint8Array>,
  head: Position,
): AsyncGenerator<FileBatch> {
  let last = head;
  let events: EventInput[] = [];
  let units = 0;
  let bytesRead = 0;
  for await (const block of blocksOf(file, source)) {
    for (const [index, text] of block.lines.entries()) {
      if (text.trim() === "") continue;
      if (
        events.length === BATCH_SIZE || units + text.length > BATCH_UNITS_MAX
      ) {
        if (events.length > 0) yield { events, last, bytesRead };
        events = [];
        units = 0;
      }
      events.push(readNext(file, block.firstLine + index, text, last + 1));
      units += text.length;
      last++;
    }
    bytesRead = block.bytesRead;
  }
  if (events.length > 0) yield { events, last, bytesRead };
}

function readNext(
  file: string,
  line: number,
  text: string,
  expected: Position,
): EventInput {
  const { position, event } = readLine(file, line, text);
  if (position === expected) return event;
  throw new ImportError(
    file,
    line,
    `'position' must be ${expected}: current value is ${position}`,
  );
}

function readLine(file: string, line: number, text: string): LineEvent {
  try {
    return readEventLine(text);
  } catch (cause) {
    if (!(cause instanceof EventLineError)) throw cause;
    throw new ImportError(file, line, cause.what, { cause });
  }
}

async function* blocksOf(file: string, source: AsyncIterable<Uint8Array>) {
  try {
    yield* readLineBlocks(source);
  } catch (cause) {
    if (!(cause instanceof LineError)) throw cause;
    throw new ImportError(file, cause.line, cause.what, { cause });
  }
}
