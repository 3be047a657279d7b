/**
 * Reads matching events: through the index where they are few, by scanning where they are many.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { EventBatch } from "../events/event_store.ts";
import { matchesQuery, type Query } from "../events/query.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { EventLoader } from "./event_loader.ts";
import { scanEvents } from "./event_scan.ts";
import type { FrameLocation } from "./index_tail.ts";
import type { LogCursorOptions } from "./log_cursor.ts";
import type { LogIndex } from "./log_index.ts";
import { IndexMismatchError } from "./index_mismatch.ts";
import type { SegmentedLog } from "./segmented_log.ts";
import { Yielder } from "../storage/yielder.ts";

/** What to read: positions after `after` and up to `upTo`, which is durable. */
export interface ReadRange {
  readonly after: Position;
  readonly upTo: Position;
  /** Events a batch, at most. */
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

/** Positions asked from the index at a time, at most. */
const PAGE_POSITIONS_MAX = 1_000;

const BATCH_BYTES_MAX = 8 * 1_024 * 1_024;

/** Reading backwards, up to so many events are looked up one by one, however common they are. */
const FEW_EVENTS = 32;

/** Reading backwards, so many recorded frames are scanned at a time; doubled while nothing matches. */
const BLOCK_FRAMES_MIN = 4;
const BLOCK_FRAMES_MAX = 64;

/** Reads a log. Each read has its own files and is not affected by others. */
export class LogReader {
  readonly #fileSystem: FileSystem;
  readonly #log: SegmentedLog;
  readonly #index: LogIndex;

  /**
   * @param fileSystem Where the segments are.
   * @param log The log.
   * @param index Its index.
   */
  constructor(fileSystem: FileSystem, log: SegmentedLog, index: LogIndex) {
    this.#fileSystem = fileSystem;
    this.#log = log;
    this.#index = index;
  }

  /**
   * Reads forwards.
   *
   * @param query Which events.
   * @param range Where.
   * @returns Batches; the last one's `through` is `upTo`. None when the range is empty.
   */
  async *batches(
    query: Query,
    range: ReadRange,
  ): AsyncGenerator<EventBatch, void, void> {
    if (range.after >= range.upTo) return;
    const { after, upTo } = range;
    if (this.#index.isSelective(query, after, upTo)) {
      yield* this.#lookUp(query, range, "forwards");
    } else {
      yield* scanEvents({
        ...range,
        query,
        ...this.#cursorOptions(range.upTo),
      });
    }
  }

  /**
   * Reads from the newest event to the oldest.
   *
   * @param query Which events.
   * @param range Where.
   * @returns Batches whose events are in descending order; `through` says nothing.
   */
  async *backwards(
    query: Query,
    range: ReadRange,
  ): AsyncGenerator<EventBatch, void, void> {
    if (range.after >= range.upTo) return;
    const { after, upTo, batchSize } = range;
    if (
      batchSize <= FEW_EVENTS || this.#index.isSelective(query, after, upTo)
    ) {
      yield* this.#lookUp(query, range, "backwards");
    } else {
      yield* this.#scanBackwards(query, range);
    }
  }

  async *#lookUp(
    query: Query,
    { after, upTo, batchSize, signal }: ReadRange,
    direction: "forwards" | "backwards",
  ): AsyncGenerator<EventBatch, void, void> {
    const backwards = direction === "backwards";
    const limit = Math.min(batchSize, PAGE_POSITIONS_MAX);
    using loader = new EventLoader(this.#cursorOptions(upTo));
    const yielder = new Yielder();
    let events: StoredEvent[] = [];
    let bytes = 0;
    let through = after;
    let range: { after: Position; upTo: Position } | undefined = {
      after,
      upTo,
    };
    while (range) {
      const page = await this.#index.find(query, {
        ...range,
        limit,
        backwards,
      });
      range = page.rest;
      for (const position of page.positions) {
        const { event, bytes: eventBytes } = loader.load(position);
        if (!matchesQuery(query, event)) {
          if (this.#index.isExplained(query, event)) continue;
          this.#index.distrust(
            new IndexMismatchError(
              `The index is wrong at position ${position}`,
            ),
          );
          // What else it is wrong about is unknown: the rest is looked up once it is made again.
          range = backwards
            ? { after, upTo: position }
            : { after: position - 1, upTo };
          break;
        }
        events.push(event);
        bytes += eventBytes;
        through = event.position;
        if (events.length >= batchSize || bytes >= BATCH_BYTES_MAX) {
          yield { events, through, throughId: event.id, bytes };
          events = [];
          bytes = 0;
        }
        if (yielder.isDue) await yielder.yieldIfDue();
        signal?.throwIfAborted();
      }
    }
    if (events.length > 0 || through < upTo) {
      const last = events.at(-1);
      const throughId = last?.position === upTo
        ? last.id
        : backwards
        ? undefined
        : idAt(loader, upTo);
      yield { events, through: upTo, throughId, bytes };
    }
  }

  async *#scanBackwards(
    query: Query,
    range: ReadRange,
  ): AsyncGenerator<EventBatch, void, void> {
    let { upTo } = range;
    let frames = BLOCK_FRAMES_MIN;
    while (upTo > range.after) {
      const start = this.#startOfBlock(upTo, frames);
      const after = Math.max(range.after, start - 1);
      const batches: EventBatch[] = [];
      const options = this.#cursorOptions(upTo);
      const scan = scanEvents({ ...range, query, after, ...options });
      for await (const batch of scan) batches.push(batch);
      const count = batches.reduce((sum, { events }) => sum + events.length, 0);
      if (count === 0) frames = Math.min(frames * 2, BLOCK_FRAMES_MAX);
      for (const { events, through, bytes } of batches.reverse()) {
        yield { events: events.toReversed(), through, bytes };
      }
      upTo = after;
    }
  }

  /** First position of the block that ends at `last`: of so many frames, unless they are large. */
  #startOfBlock(last: Position, frames: number): Position {
    const { segments } = this.#log;
    let start = last + 1;
    let bytes = 0;
    let behind: FrameLocation | undefined;
    for (let i = 0; i < frames && start > 1 && bytes < BATCH_BYTES_MAX; i++) {
      const found = this.#index.locate(start - 1);
      const segment = segments.findLast(({ first }) => first < start);
      start = found?.first ?? segment?.first ?? 1;
      if (found && found.segment === behind?.segment) {
        bytes += behind.offset - found.offset;
      }
      behind = found;
    }
    return start;
  }

  #cursorOptions(upTo: Position): LogCursorOptions {
    return {
      fileSystem: this.#fileSystem,
      segments: this.#log.segments.slice(),
      upTo,
      locate: (position) => this.#index.locate(position),
    };
  }
}

/** The id of an event that nobody asked for: what cannot be read of it is no failure. */
function idAt(loader: EventLoader, position: Position): string | undefined {
  try {
    return loader.load(position).event.id;
  } catch {
    return undefined;
  }
}
