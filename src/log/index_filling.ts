/**
 * Filling the index from the log: what was written since it was kept last, or all of it.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { Yielder } from "../storage/yielder.ts";
import type { Logger } from "../telemetry/logger.ts";
import { eventLines, parseLine } from "./event_lines.ts";
import type { FrameRun } from "./frame_reader.ts";
import { type IndexBlock, type IndexEntry, IndexTail } from "./index_tail.ts";
import { LogCursor } from "./log_cursor.ts";
import { IndexBusyError, IndexMismatchError } from "./index_mismatch.ts";
import type { PositionIndex } from "./position_index.ts";
import type { SegmentedLog } from "./segmented_log.ts";
import type { Segment } from "./segments.ts";

/** What to fill from what. */
export interface FillIndexOptions {
  readonly fileSystem: FileSystem;
  readonly log: SegmentedLog;
  readonly logger: Logger;
  /** The index to fill. */
  readonly file: PositionIndex;
  /** The last position to index. */
  readonly upTo: Position;
}

/**
 * Checks that the frame that the index ends with stands where it says.
 *
 * @param fileSystem Where the log is.
 * @param log The log, read to its end.
 * @param file The index.
 * @param mayBeAhead Whether the index may go on behind the end of the log.
 * @throws {IndexMismatchError} If it does not.
 */
export function assertFits(
  fileSystem: FileSystem,
  log: SegmentedLog,
  file: PositionIndex,
  mayBeAhead: boolean,
): void {
  const { through, frame } = file.watermark();
  if (through === 0 || (mayBeAhead && through > log.head)) return;
  if (through > log.head) {
    throw new IndexMismatchError(
      `The index goes to position ${through}, the log ends at ${log.head}`,
    );
  }
  using cursor = new LogCursor({
    fileSystem,
    segments: log.segments,
    upTo: through,
    locate: () => frame,
  });
  cursor.seek(frame.first);
  const found = cursor.read()?.frames[0];
  const fits = found?.offset === frame.offset &&
    found.first === frame.first && found.crc === frame.crc &&
    found.first + found.count > through;
  if (!fits) throw new IndexMismatchError("The index is of another log");
}

/**
 * Indexes the events behind the index's end.
 *
 * @param options What to fill from what.
 * @throws {IndexBusyError} If the index file stays locked.
 * @throws {IndexMismatchError} If it does not reach `upTo` after all.
 */
export async function fillIndex(options: FillIndexOptions): Promise<void> {
  const { fileSystem, log, logger, file, upTo } = options;
  const after = file.watermark().through;
  if (after >= upTo) return;
  const yielder = new Yielder();
  const gathered = new IndexTail();
  using cursor = new LogCursor({
    fileSystem,
    segments: log.segments.slice(),
    upTo,
    locate: (position) => file.locate(position),
  });
  cursor.seek(after + 1);
  for (let run = cursor.read(); run; run = cursor.read()) {
    if (!cursor.segment) break;
    addRun(gathered, cursor.segment, run, after, upTo);
    await writeBlocks(file, gathered, "full", yielder);
    await yielder.yieldIfDue();
  }
  await writeBlocks(file, gathered, "any", yielder);
  const { through } = file.watermark();
  if (through < upTo) {
    // Whoever asks would miss events, and nobody would notice.
    throw new IndexMismatchError(
      `The index ends at position ${through} after it was filled up to ${upTo}`,
    );
  }
  logger.log("info", "Indexed the log", {
    positionFirst: after + 1,
    positionLast: upTo,
  });
}

/** Writes what was gathered: there may be several blocks of it. */
async function writeBlocks(
  file: PositionIndex,
  gathered: IndexTail,
  which: "full" | "any",
  yielder: Yielder,
): Promise<void> {
  for (let block; (block = gathered.oldest(which));) {
    await writePatiently(file, block, yielder);
    gathered.dropOldest();
  }
}

/** Waits for other processes that are writing to the index file. */
async function writePatiently(
  file: PositionIndex,
  block: IndexBlock,
  yielder: Yielder,
): Promise<void> {
  // Each try waits for SQLite's own timeout, so that this is several seconds.
  for (let tries = 1; tries <= 100; tries++) {
    if (file.write(block)) return;
    await yielder.yieldIfDue();
  }
  throw new IndexBusyError();
}

/**
 * Takes frames that were read from the log.
 *
 * @param tail Where to.
 * @param segment The segment that holds them.
 * @param run The frames.
 * @param after Exclusive lower bound.
 * @param upTo Inclusive upper bound.
 */
export function addRun(
  tail: IndexTail,
  segment: Segment,
  run: FrameRun,
  after: Position,
  upTo: Position = Infinity,
): void {
  const lines = eventLines(run, after);
  for (const { first, count, offset, crc } of run.frames) {
    const last = first + count - 1;
    if (last <= after || first > upTo) continue;
    const entries: IndexEntry[] = [];
    while (entries.length < last - Math.max(first - 1, after)) {
      const { value: line } = lines.next();
      if (!line) break;
      const { type, tags } = parseLine(line);
      entries.push({ type, tags });
    }
    const location = { first, segment: segment.first, offset, crc };
    tail.add(location, entries, Math.max(first, after + 1));
  }
}
