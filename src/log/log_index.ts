/**
 * The index as readers and writer use it: the index file and the newest events in memory as one,
 * made again from the log whenever the file is missing, stale or damaged.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import { matchesQuery, type Query } from "../events/query.ts";
import type { FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";
import { LogReadError, reasonOf, StoreClosedError } from "./errors.ts";
import { EventLoader } from "./event_loader.ts";
import type { FrameRun } from "./frame_reader.ts";
import {
  everyPosition,
  firstPosition,
  type PositionPage,
  positionPage,
} from "./index_answers.ts";
import { beginIndexFile, openIndexFile } from "./index_file.ts";
import { addRun, assertFits, fillIndex } from "./index_filling.ts";
import {
  type FrameLocation,
  type IndexEntry,
  IndexTail,
} from "./index_tail.ts";
import type { PositionRange } from "./index_sql.ts";
import {
  isDamagedIndex,
  isIndexFault,
  PositionIndex,
} from "./position_index.ts";
import { type Stream, toCriteria, toStreams } from "./query_streams.ts";
import type { SegmentedLog } from "./segmented_log.ts";
import type { Segment } from "./segments.ts";
import { hashTag } from "./term_hash.ts";
import { isUnwritable } from "../storage/sqlite_errors.ts";
import { Yielder } from "../storage/yielder.ts";

/** What a {@linkcode LogIndex} works with. */
export interface LogIndexOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly storeId: string;
  readonly log: SegmentedLog;
  readonly logger: Logger;
  /** Whether it is only kept in memory, and made when it is needed. @default {false} */
  readonly readOnly?: boolean;
}

/** Of the events in a range, up to this share is looked up one by one; more is scanned. */
const LOOKUP_SHARE_MAX = 0.02;

/** Counting more than this takes longer than it gains. */
const COUNT_MAX = 20_000;

/** More than that is written to the index file before more is read. */
const BLOCKS_MAX = 32;

/** Finds positions by type and tag, and frames by position. */
export class LogIndex implements Disposable {
  readonly #options: LogIndexOptions;
  #file: PositionIndex | undefined;
  #tail = new IndexTail();
  #doubt: unknown;
  #healing: Promise<void> | undefined;
  #isEvidence = false;
  #isClosed = false;

  /** @param options Files and log. */
  constructor(options: LogIndexOptions) {
    this.#options = options;
    // In memory, when somebody first asks for it: whoever reads everything never does.
    if (options.readOnly) this.#doubt = new Error("Not made yet");
  }

  /**
   * Opens the index file, or begins a new one. Before anything else.
   *
   * @returns The position that the file proves to have been durable.
   */
  open(): Position {
    try {
      this.#file = openIndexFile(this.#options);
      return this.#file.watermark().through;
    } catch (error) {
      if (isDamagedIndex(error)) this.#remake(error);
      else this.#useMemory(error);
      return 0;
    }
  }

  /** Brings the index file up to the end of the log, making it again where it does not fit. */
  async catchUp(): Promise<void> {
    try {
      const { fileSystem, log } = this.#options;
      // What lies before the damage is indexed rightly, wherever the index ends.
      if (this.#file) assertFits(fileSystem, log, this.#file, this.#isEvidence);
      await this.#fill();
    } catch (error) {
      // What the log does not let read says nothing about the index.
      if (error instanceof LogReadError) throw error;
      this.distrust(error);
      await this.#heal();
    }
  }

  /**
   * Keeps the index file as it is from now on: it tells what the damaged log should hold.
   * Whatever else is needed is kept in memory.
   */
  keepAsEvidence(): void {
    this.#isEvidence = true;
  }

  /** Takes frames that were read from the log. */
  note(segment: Segment, run: FrameRun): void {
    if (this.#isUnmade) this.#tail = new IndexTail();
    else addRun(this.#tail, segment, run, 0);
  }

  /** Takes a frame that is being written. */
  add(location: FrameLocation, entries: readonly IndexEntry[]): void {
    this.#tail.add(location, entries);
  }

  /** Forgets everything behind a position: its write failed. */
  cut(last: Position): void {
    this.#tail.cut(last);
  }

  /** Whether so many events have gathered that they should be written to the index file. */
  get isFull(): boolean {
    return this.#tail.oldest("full") !== undefined;
  }

  /** Whether so many have gathered that they should be written before more come. */
  get isLarge(): boolean {
    return this.#tail.blockCount > BLOCKS_MAX;
  }

  /** Moves what has gathered in memory to the index file. Never rejects. */
  async relieve(): Promise<void> {
    try {
      if (this.isFull) await this.flush("full");
    } catch (error) {
      this.distrust(error); // It is made again, or fails whoever needs it.
    }
  }

  /**
   * Writes events to the index file, if enough of them have gathered.
   *
   * @param which All events, or only what fills a transaction.
   */
  async flush(which: "full" | "any"): Promise<void> {
    const yielder = new Yielder();
    let hasHealed = false;
    while (this.#file && this.#healing === undefined) {
      const block = this.#tail.oldest(which);
      if (!block || block.last > this.#options.log.head) return;
      try {
        if (!this.#file.write(block)) return;
      } catch (error) {
        if (!isUnwritable(error)) this.distrust(error);
        // What finds no room, or a new file does not take either, stays in memory and is found.
        if (hasHealed || !this.isDistrusted) return;
        hasHealed = true;
        await this.#heal();
        continue;
      }
      this.#tail.dropOldest();
      await yielder.yieldIfDue();
    }
  }

  /** Whether the index file was found wrong and could not be made again yet. */
  get isDistrusted(): boolean {
    return this.#doubt !== undefined;
  }

  /** Says that the index file was found wrong; it will be made again before it is used again. */
  distrust(error: unknown): void {
    this.#doubt ??= error;
  }

  /**
   * Whether looking events up one by one beats reading a range from end to end.
   *
   * @param query Which events.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound.
   */
  isSelective(query: Query, after: Position, upTo: Position): boolean {
    const streams = toStreams(query);
    if (streams === "all") return false;
    // Making it first would take a scan as well.
    if (this.#isUnmade) return false;
    const countMax = Math.ceil((upTo - after) * LOOKUP_SHARE_MAX);
    let count = 0;
    for (const stream of streams) {
      count += this.#count(stream, Math.min(countMax, COUNT_MAX));
      if (count >= countMax) return false;
    }
    return true;
  }

  /**
   * The first event that matches.
   *
   * @param query Which events.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound; may lie beyond what is durable.
   */
  async firstMatch(
    query: Query,
    after: Position,
    upTo: Position,
  ): Promise<Position | undefined> {
    const criteria = toCriteria(query);
    if (criteria === "all") return after < upTo ? after + 1 : undefined;
    for (let from = after; from < upTo;) {
      const range = { after: from, upTo };
      const position = await this.#ask((file) =>
        firstPosition(file, this.#tail, criteria, range)
      );
      if (position === undefined) return undefined;
      if (this.#isMatch(query, position)) return position;
      from = position;
    }
    return undefined;
  }

  /**
   * Positions of the events that match, and perhaps a few others: see {@linkcode isExplained}.
   *
   * @param query Which events.
   * @param range Where, how many at a time, and in which order.
   */
  async find(query: Query, range: PositionRange): Promise<PositionPage> {
    const streams = toStreams(query);
    if (streams === "all") return everyPosition(range);
    return await this.#ask((file) =>
      positionPage(file, this.#tail, streams, range)
    );
  }

  /**
   * Whether an event that does not match was found only since its tags have the hashes of others.
   * If not, the index is wrong.
   */
  isExplained(query: Query, { type, tags }: StoredEvent): boolean {
    const streams = toStreams(query);
    const hashes = new Set(tags.map(hashTag));
    return streams === "all" ||
      streams.some((stream) =>
        (stream.type ?? type) === type &&
        stream.tags.every((tag) => hashes.has(hashTag(tag)))
      );
  }

  /** The last known frame that begins at or before a position. */
  locate(position: Position): FrameLocation | undefined {
    const inTail = this.#tail.locate(position);
    if (inTail || this.#doubt !== undefined) return inTail;
    try {
      return this.#file?.locate(position);
    } catch (error) {
      this.distrust(error);
      return undefined;
    }
  }

  /** Closes the index file. Whoever still asks is told, as without it answers lack events. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
  }

  /** Whether it is made of the whole log once somebody asks: nothing is kept for it. */
  get #isUnmade(): boolean {
    return this.#options.readOnly === true && this.#doubt !== undefined &&
      this.#healing === undefined;
  }

  /** Asks the index file; if that is at fault, once more when it was made again. */
  async #ask<T>(question: (file: PositionIndex | undefined) => T): Promise<T> {
    if (this.#doubt !== undefined || this.#healing) await this.#heal();
    this.#assertOpen();
    try {
      return question(this.#file);
    } catch (error) {
      if (!isIndexFault(error)) throw error;
      this.distrust(error);
      await this.#heal();
      this.#assertOpen();
      return question(this.#file);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreClosedError("read");
  }

  #isMatch(query: Query, position: Position): boolean {
    const { fileSystem, log } = this.#options;
    // What is not durable yet was found by its very types and tags.
    if (query === "all" || position > log.head) return true;
    const segments = log.segments.slice();
    const locate = (of: Position) => this.locate(of);
    using loader = new EventLoader({
      fileSystem,
      segments,
      upTo: log.head,
      locate,
    });
    const { event } = loader.load(position);
    return matchesQuery(query, event);
  }

  #count(stream: Stream, countMax: number): number {
    const inTail = this.#tail.positions(stream, 0, Infinity).length;
    if (this.#doubt !== undefined) return inTail;
    try {
      return inTail + (this.#file?.count(stream, countMax) ?? 0);
    } catch (error) {
      this.distrust(error);
      return inTail;
    }
  }

  #remake(error: unknown): void {
    if (isUnwritable(error)) return this.#useMemory(error);
    const { storeId, logger, readOnly = false } = this.#options;
    if (!readOnly) {
      logger.log("warn", "Making the index of the log again", {
        error: reasonOf(error),
      });
    }
    this.#file?.[Symbol.dispose]();
    this.#file = undefined;
    try {
      this.#file = readOnly || this.#isEvidence
        ? new PositionIndex(":memory:", storeId)
        : beginIndexFile(this.#options);
    } catch (cause) {
      this.#useMemory(cause);
    }
  }

  /** Leaves the file alone, whose disk fails, is full or does not let it be written. */
  #useMemory(error: unknown): void {
    const { storeId, logger } = this.#options;
    logger.log("error", "Keeping the index in memory: its file fails", {
      error: reasonOf(error),
    });
    this.#file?.[Symbol.dispose]();
    this.#file = new PositionIndex(":memory:", storeId);
  }

  #heal(): Promise<void> {
    this.#healing ??= this.#makeAgain().catch((error) => {
      // Closed under its hands, which is no fault of the file.
      this.#assertOpen();
      throw error;
    }).finally(() => {
      this.#healing = undefined;
    });
    return this.#healing;
  }

  async #makeAgain(): Promise<void> {
    const error = this.#doubt;
    if (error === undefined) return;
    this.#assertOpen();
    this.#remake(error);
    await this.#fill();
    this.#doubt = undefined;
  }

  /** Indexes what lies between the index file and the tail. */
  async #fill(): Promise<void> {
    if (!this.#file) return;
    const upTo = (this.#tail.first ?? this.#options.log.end + 1) - 1;
    try {
      await fillIndex({ ...this.#options, file: this.#file, upTo });
    } catch (error) {
      if (!isIndexFault(error) || isDamagedIndex(error)) throw error;
      // Deleting it would also delete what it proves of the log.
      this.#useMemory(error);
      await this.#fill();
    }
  }
}
