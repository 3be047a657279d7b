/**
 * How much of the last segment some later frame proves to be durable.
 *
 * Each frame says how far the log had been synced when it was written. So what the last group of
 * frames does not prove is that group itself: its sync may have succeeded, or failed, or never
 * been called, and whoever opens the files cannot tell. After a failed sync the system counts the
 * pages as clean: they are read as if they were stored, a later sync "succeeds" without writing
 * them, and a power cut takes them. They are therefore written once more before anything relies on
 * them: the same bytes at the same place, so that a crash meanwhile changes nothing. It is the very
 * bytes that were checked: clean pages may be dropped at any time, and what is read from the disk
 * then need not be what was read before. The same goes for the first line of a segment without
 * frames: the sync of that line may have failed.
 *
 * What this relies on: that the system reads back what it wrote (file systems that show the old
 * content after a failed sync make the frames vanish, which nobody was told of); that a segment is
 * begun only after the one before was synced; and that a file system stops by itself when it
 * cannot write names of files, as ext4 and XFS do. Why not into a new file: ARCHITECTURE.md.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { readFully } from "../storage/read_fully.ts";
import { LogReadError, readingLog } from "./errors.ts";
import { parseSegmentHeader } from "./format.ts";
import type { FrameVisitor, SegmentedLog } from "./segmented_log.ts";
import { openSegment, type Segment } from "./segments.ts";

/** What stands in a segment, and where. */
interface Piece {
  /** In bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Watches frames being read. */
export class ProvenEnd {
  /** Position up to which the frames read so far prove the log durable. */
  durable: Position = 0;
  #segment: Position | undefined;
  /** Frames that are not proven durable: of one group only, as they stop the next. */
  #open: { readonly last: Position; readonly offset: number }[] = [];
  /** What was read and checked, from the first of them on at least. */
  #pieces: Piece[] = [];

  /**
   * What of a segment with frames, the last one, is not proven durable, as it was checked.
   *
   * @param segment The segment.
   */
  doubtfulOf(segment: Segment): readonly Piece[] {
    const from = this.#open[0]?.offset;
    if (from === undefined || this.#segment !== segment.first) return [];
    return this.#pieces.map(({ offset, bytes }) => {
      const skipped = Math.max(0, from - offset);
      return { offset: offset + skipped, bytes: bytes.subarray(skipped) };
    });
  }

  /** Takes frames in order. */
  readonly visit: FrameVisitor = (segment, { frames, bytes }) => {
    if (this.#segment !== segment.first) {
      this.#segment = segment.first;
      this.#open = [];
      this.#pieces = [];
    }
    for (const { first, count, durable, offset } of frames) {
      this.#open.push({ last: first + count - 1, offset });
      if (durable <= this.durable) continue;
      this.durable = durable;
      this.#open = this.#open.filter(({ last }) => last > durable);
    }
    const from = this.#open[0]?.offset ?? Infinity;
    const piece = { offset: frames[0]?.offset ?? 0, bytes: bytes.slice() };
    this.#pieces = [...this.#pieces, piece]
      .filter(({ offset, bytes }) => offset + bytes.length > from);
  };
}

/**
 * Makes the next sync of the log write what nobody knows of a sync of. The store's lock must be
 * held, and the log read to its end.
 *
 * @param log The log.
 * @param proven What its frames were shown to.
 * @param fileSystem Where it is.
 * @throws {LogReadError} If something else is read by now.
 */
export function rewriteDoubtful(
  log: SegmentedLog,
  proven: ProvenEnd,
  fileSystem: FileSystem,
): void {
  const segment = log.segments.at(-1);
  if (segment === undefined) return;
  const pieces = log.end < segment.first
    ? [firstLineOf(segment, log, fileSystem)]
    : proven.doubtfulOf(segment);
  for (const { offset, bytes } of pieces) {
    fileSystem.rewrite?.(segment.path, offset, bytes);
  }
}

function firstLineOf(
  segment: Segment,
  { offset, crc }: SegmentedLog,
  fileSystem: FileSystem,
): Piece {
  using file = openSegment(fileSystem, segment, "read");
  const bytes = new Uint8Array(offset);
  readingLog(segment.file, 0, () => readFully(file, bytes, 0));
  if (parseSegmentHeader(bytes)?.crc === crc) return { offset: 0, bytes };
  const cause = new Error("Its first line was another one a moment ago");
  throw new LogReadError(segment.file, 0, { cause });
}
