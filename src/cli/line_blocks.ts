/**
 * Splits a stream of bytes into lines of text, many at a time and in bounded memory.
 *
 * `node:readline` and the like also split at U+2028 and U+2029, which JSON texts may hold; here
 * lines end at `\n` alone.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Longest line, in bytes. */
export const LINE_BYTES_MAX: number = 8 * 1_024 * 1_024;

const LINE_END = 0x0a;

/** Consecutive lines. */
export interface LineBlock {
  /** Number of the first of them, from 1. */
  readonly firstLine: number;
  /** The lines, without their ends. */
  readonly lines: readonly string[];
  /** Bytes read from the stream so far. */
  readonly bytesRead: number;
}

/** A line is not text, or too long. */
export class LineError extends Error {
  override readonly name = "LineError";

  /**
   * @param line Its number, from 1.
   * @param what What is wrong with it.
   */
  constructor(readonly line: number, readonly what: string) {
    super(`Cannot read line ${line} as ${what}`);
  }
}

/**
 * Reads a stream line by line. A last line without a line end counts as well.
 *
 * @param source The stream.
 * @returns Blocks of lines, in order.
 * @throws {LineError} If a line is not UTF-8, or longer than {@linkcode LINE_BYTES_MAX}.
 */
export async function* readLineBlocks(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<LineBlock> {
  let firstLine = 1;
  let bytesRead = 0;
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of source) {
    bytesRead += chunk.length;
    const end = chunk.lastIndexOf(LINE_END);
    if (end >= 0) {
      rest.push(chunk.subarray(0, end));
      const lines = decodeLines(Buffer.concat(rest), firstLine);
      yield { firstLine, lines, bytesRead };
      firstLine += lines.length;
      rest = [];
      restBytes = 0;
    }
    const beginning = chunk.subarray(end + 1);
    rest.push(beginning);
    restBytes += beginning.length;
    if (restBytes > LINE_BYTES_MAX) {
      throw new LineError(
        firstLine,
        `it has more than ${LINE_BYTES_MAX} bytes`,
      );
    }
  }
  if (restBytes > 0) {
    const lines = decodeLines(Buffer.concat(rest), firstLine);
    yield { firstLine, lines, bytesRead };
  }
}

function decodeLines(bytes: Uint8Array, firstLine: number): string[] {
  try {
    return decode(bytes).split("\n");
  } catch {
    throw new LineError(findUndecodable(bytes, firstLine), "it is not UTF-8");
  }
}

function findUndecodable(bytes: Uint8Array, firstLine: number): number {
  let line = firstLine;
  for (let start = 0;; line++) {
    const found = bytes.indexOf(LINE_END, start);
    const end = found < 0 ? bytes.length : found;
    try {
      decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    if (found < 0) return line;
    start = found + 1;
  }
}

function decode(bytes: Uint8Array): string {
  // A byte order mark is left in: it is none of the event's text, and would vanish silently.
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(bytes);
}
