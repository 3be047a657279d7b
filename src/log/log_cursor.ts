/**
 * Reads frames from any position on, across segments.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import { LogCorruptionError, readingLog } from "./errors.ts";
import { FrameReader, type FrameRun } from "./frame_reader.ts";
import type { FrameLocation } from "./index_tail.ts";
import {
  openSegment,
  readSegmentHeader,
  type Segment,
  segmentIndexOf,
} from "./segments.ts";

/** What a {@linkcode LogCursor} reads. */
export interface LogCursorOptions {
  readonly fileSystem: FileSystem;
  /** The segments in order. */
  readonly segments: readonly Segment[];
  /** The last position to read: durable, so that whatever is wrong up to it is damage. */
  readonly upTo: Position;
  /** A frame at or before a position, to begin at instead of the start of its segment. */
  readonly locate?: (position: Position) => FrameLocation | undefined;
  /** Bytes read at first and handed out at a time, about. */
  readonly runBytes?: number;
}

/** Reads the log forwards. Dispose it to close its file. */
export class LogCursor implements Disposable {
  readonly #options: LogCursorOptions;
  #segmentIndex = -1;
  #file: FileHandle | undefined;
  #reader: FrameReader | undefined;
  #runOffset = 0;
  /** Where the index said a frame begins, until the first read proves it right. */
  #unproven: FrameLocation | undefined;

  /** @param options What to read. */
  constructor(options: LogCursorOptions) {
    this.#options = options;
  }

  /** The segment that was read from last. */
  get segment(): Segment | undefined {
    return this.#options.segments[this.#segmentIndex];
  }

  /** Where in the segment the frames that were read last begin, in bytes. */
  get runOffset(): number {
    return this.#runOffset;
  }

  /** Position of the next frame to be read. */
  get next(): Position {
    return this.#reader?.next ?? 0;
  }

  /**
   * Moves on, so that the next frame read is the one that holds `position`, or an earlier one.
   * Does nothing when reading on gets there as soon.
   *
   * @param position The position.
   */
  seek(position: Position): void {
    const location = this.#options.locate?.(position);
    const here = this.#reader;
    if (here && here.next <= position) {
      const isBehind = location === undefined
        ? segmentIndexOf(this.#options.segments, position) > this.#segmentIndex
        : location.first > here.next;
      if (!isBehind) return;
    }
    this.#open(position, location);
  }

  /**
   * Reads on.
   *
   * @returns The next frames; `undefined` when `upTo` was reached.
   * @throws {LogCorruptionError} If the log is damaged before `upTo`.
   */
  read(): FrameRun | undefined {
    for (;;) {
      const reader = this.#reader;
      if (!reader || reader.next > this.#options.upTo) return undefined;
      const run = readingLog(
        this.segment?.file ?? "events",
        () => reader.offset,
        () => reader.read(),
      );
      if (run) {
        this.#unproven = undefined;
        this.#runOffset = run.frames[0]?.offset ?? 0;
        return run;
      }
      if (this.#unproven) {
        // The index is only derived: what it says is wrong, the log decides.
        this.#open(this.#unproven.first, undefined);
      } else if (reader.damage) {
        throw this.#corruption(reader.damage.offset, reader.damage.what);
      } else {
        const { next, crc } = reader;
        this.#openSegment(this.#segmentIndex + 1, next, crc);
      }
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    this.#reader?.[Symbol.dispose]();
    this.#reader = undefined;
  }

  #open(position: Position, location: FrameLocation | undefined): void {
    const { segments, runBytes, fileSystem } = this.#options;
    const index = segmentIndexOf(segments, position);
    const segment = segments[index];
    if (location && segment?.first === location.segment) {
      if (index !== this.#segmentIndex || !this.#file) {
        this.#file?.close();
        this.#file = undefined;
        this.#file = openSegment(fileSystem, segment, "read");
      }
      this.#segmentIndex = index;
      this.#unproven = location;
      this.#reader?.[Symbol.dispose]();
      this.#reader = new FrameReader(this.#file, {
        offset: location.offset,
        first: location.first,
        ...runBytes === undefined ? {} : { runBytes },
      });
      return;
    }
    this.#openSegment(index, undefined, undefined);
  }

  #openSegment(
    index: number,
    first: Position | undefined,
    prev: number | undefined,
  ): void {
    const { segments, fileSystem, runBytes } = this.#options;
    const offset = this.#reader?.offset ?? 0;
    this.#unproven = undefined;
    const segment = segments[index];
    if (segment === undefined || segment.first !== (first ?? segment.first)) {
      throw this.#corruption(offset, "the events that follow are missing");
    }
    this.#file?.close();
    this.#file = undefined;
    this.#segmentIndex = index;
    const file = this.#file = openSegment(fileSystem, segment, "read");
    const header = readingLog(segment.file, 0, () => readSegmentHeader(file));
    this.#reader?.[Symbol.dispose]();
    this.#reader = undefined;
    if (!header || header.prev !== (prev ?? header.prev)) {
      throw this.#corruption(0, "its first line is damaged", segment.first);
    }
    this.#reader = new FrameReader(file, {
      offset: header.headerBytes,
      first: segment.first,
      prev: header.crc,
      ...runBytes === undefined ? {} : { runBytes },
    });
  }

  #corruption(
    offset: number,
    what: string,
    position: Position = this.next,
  ): LogCorruptionError {
    const file = this.segment?.file ?? "events";
    return new LogCorruptionError({ file, offset, position, what });
  }
}
