/**
 * Reads a whole log and tells everything that is wrong with it.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import { fileErrorCode, reasonOf } from "./errors.ts";
import { eventLines, EventLinesError, parseLine } from "./event_lines.ts";
import { FrameReader, type FrameRun } from "./frame_reader.ts";
import { findNextFrame, type FoundFrame } from "./resync.ts";
import { readSegmentHeader, type Segment } from "./segments.ts";
import { Yielder } from "../storage/yielder.ts";

/** Something wrong with the log. */
export interface VerifyProblem {
  /** The file, within the data folder. */
  readonly file: string;
  /** Where in that file, in bytes. */
  readonly offset: number;
  /** The first position concerned. */
  readonly first: Position;
  /** The last position concerned. */
  readonly last: Position;
  /** What is wrong. */
  readonly what: string;
}

/** What a verification found. */
export interface VerifyReport {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** Position of the last event when the verification began. */
  readonly head: Position;
  /** Segments read. */
  readonly segments: number;
  /** Whole frames read: one for each append. */
  readonly frames: number;
  /** Whole events read. */
  readonly events: number;
  /** Bytes read. */
  readonly bytes: number;
  /** Everything that is wrong, in order of position. */
  readonly problems: readonly VerifyProblem[];
}

/** What to verify. */
export interface VerifyOptions {
  readonly fileSystem: FileSystem;
  /** All segments, in order. */
  readonly segments: readonly Segment[];
  /** Position of the last event. */
  readonly head: Position;
  /** Read also what lies behind the head; else it is being written, and none of our business. */
  readonly behindHead: boolean;
  /** The store that the segments must belong to; those of another one are not read. */
  readonly storeId?: string;
  /** Sees every run of whole frames, also those behind damage. */
  readonly onRun?: (segment: Segment, run: FrameRun) => void | Promise<void>;
  /** Stops by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Checks the header of every segment, the checksum, position and predecessor of every frame and
 * every event line, going on behind whatever is damaged.
 *
 * @param options What to verify.
 * @returns What was found. Damage does not throw.
 */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const verification = new Verification(options);
  for (const segment of options.segments) {
    if (segment.first > verification.upTo) continue;
    try {
      await verification.read(segment);
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
      verification.passOver(segment, error);
    }
  }
  return verification.report();
}

class Verification {
  /** The last position to look at. */
  readonly upTo: Position;
  readonly #options: VerifyOptions;
  readonly #problems: VerifyProblem[] = [];
  readonly #yielder = new Yielder();
  #segments = 0;
  #frames = 0;
  #events = 0;
  #bytes = 0;
  /** Up to where the segment at hand was read, in bytes. */
  #offset = 0;
  /** The next position, and the CRC of what stands before it, if known. */
  #next: Position = 1;
  #crc: number | undefined;
  #previous: { readonly first: Position; readonly size: number } = {
    first: 0,
    size: 0,
  };

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.upTo = options.behindHead ? Infinity : options.head;
  }

  async read(segment: Segment): Promise<void> {
    this.#offset = 0;
    using file = this.#options.fileSystem.open(segment.path, { mode: "read" });
    this.#segments++;
    const start = this.#checkHeader(segment, file);
    let offset = start ?? 0;
    while (start !== undefined) {
      using reader = await this.#readFrames(segment, file, offset);
      if (this.#next > this.upTo || !reader.damage) break;
      const { offset: at, what } = reader.damage;
      const found = this.#findFurther(file, at);
      const last = (found?.first ?? this.#endOf(segment) + 1) - 1;
      this.#problem(segment, at, Math.max(last, this.#next), what);
      if (!found) {
        this.#next = last + 1;
        this.#crc = undefined;
        break;
      }
      offset = found.offset;
      this.#next = found.first;
      this.#crc = undefined;
    }
    this.#previous = { first: segment.first, size: file.size() };
  }

  /** Takes note of a segment that the disk does not let read, or not from some place on. */
  passOver(segment: Segment, error: unknown): void {
    const last = Math.max(this.#endOf(segment), this.#next);
    const what = `it cannot be read: ${reasonOf(error)}`;
    this.#problem(segment, this.#offset, last, what);
    this.#next = last + 1;
    this.#crc = undefined;
    const { fileSystem } = this.#options;
    const size = fileSystem.stat(segment.path)?.size ?? 0;
    this.#previous = { first: segment.first, size };
  }

  report(): VerifyReport {
    const { head } = this.#options;
    if (this.#next <= head) {
      const last = this.#options.segments.at(-1) ?? { file: "events" };
      const offset = this.#previous.size;
      this.#problem(last, offset, head, "the events are missing");
    }
    return {
      ok: this.#problems.length === 0,
      head,
      segments: this.#segments,
      frames: this.#frames,
      events: this.#events,
      bytes: this.#bytes,
      problems: this.#problems,
    };
  }

  /** The next whole frame of events that did not come yet: old content may lie in between. */
  #findFurther(file: FileHandle, from: number): FoundFrame | undefined {
    let found = findNextFrame(file, from);
    while (found && found.first < this.#next) {
      found = findNextFrame(file, found.offset + 1);
    }
    return found;
  }

  /** Where the segment's frames begin; `undefined` when they are none of this store's. */
  #checkHeader(segment: Segment, file: FileHandle): number | undefined {
    const header = readSegmentHeader(file);
    const { storeId = header?.store } = this.#options;
    if (header && header.store !== storeId) {
      const what = `it belongs to another store: ${header.store}`;
      this.#problem(segment, 0, Math.max(segment.first, this.#next), what);
      return undefined;
    }
    if (segment.first !== this.#next) {
      this.#problem(
        segment,
        0,
        Math.max(segment.first - 1, this.#next),
        "the events before this segment are missing",
      );
      this.#crc = undefined;
      this.#next = segment.first;
    }
    const what = header === undefined
      ? "the first line is damaged"
      : header.segment !== segment.first
      ? `the first line is of another segment: ${header.segment}`
      : header.previous !== this.#previous.first
      ? `another segment must stand before: ${header.previous}`
      : header.previousBytes !== this.#previous.size
      ? `the segment before must have ${header.previousBytes} bytes: ` +
        `current size is ${this.#previous.size}`
      : this.#crc !== undefined && header.prev !== this.#crc
      ? "the segment does not follow the one before it"
      : undefined;
    if (what) this.#problem(segment, 0, segment.first, what);
    this.#crc = header?.crc;
    if (header) return header.headerBytes;
    const found = this.#findFurther(file, 0);
    if (found && found.first > this.#next) {
      const what = "the events before the first whole append are damaged";
      this.#problem(segment, 0, found.first - 1, what);
      this.#next = found.first;
    }
    return found?.offset ?? 0;
  }

  async #readFrames(
    segment: Segment,
    file: FileHandle,
    offset: number,
  ): Promise<FrameReader> {
    const reader = new FrameReader(file, {
      offset,
      first: this.#next,
      ...this.#crc === undefined ? {} : { prev: this.#crc },
    });
    for (let run = reader.read(); run; run = reader.read()) {
      this.#options.signal?.throwIfAborted();
      this.#checkLines(segment, run);
      await this.#options.onRun?.(segment, run);
      this.#next = reader.next;
      this.#crc = reader.crc;
      this.#offset = reader.offset;
      if (this.#next > this.upTo) break;
      await this.#yielder.yieldIfDue();
    }
    this.#bytes += reader.offset - offset;
    return reader;
  }

  #checkLines(segment: Segment, run: FrameRun): void {
    this.#frames += run.frames.length;
    const offset = run.frames[0]?.offset ?? 0;
    try {
      for (const line of eventLines(run, 0)) {
        parseLine(line);
        this.#events++;
      }
    } catch (error) {
      if (!(error instanceof EventLinesError)) throw error;
      this.#next = error.position;
      this.#problem(segment, offset, error.position, error.message);
    }
  }

  /** Last position that the segment should hold. */
  #endOf(segment: Segment): Position {
    const { segments, head } = this.#options;
    const next = segments[segments.indexOf(segment) + 1];
    return next ? next.first - 1 : Math.max(head, this.#next);
  }

  #problem(
    { file }: Pick<Segment, "file">,
    offset: number,
    last: Position,
    what: string,
  ): void {
    this.#problems.push({ file, offset, first: this.#next, last, what });
  }
}
