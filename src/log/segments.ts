/**
 * The segments of a log: which there are, and in which one a position lies.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import { readFully } from "../storage/read_fully.ts";
import { type LogDamage, readingLog, StoreFormatError } from "./errors.ts";
import {
  parseSegmentHeader,
  parseSegmentName,
  SEGMENT_HEADER_BYTES_MAX,
  type SegmentHeader,
  segmentName,
} from "./format.ts";

/** A segment of the log. */
export interface Segment {
  /** Its first position. */
  readonly first: Position;
  /** The file. */
  readonly path: string;
  /** The file within the data folder, for messages. */
  readonly file: string;
}

/** A segment header as read: what it says, its CRC and length. */
export type ReadSegmentHeader = SegmentHeader & {
  readonly crc: number;
  readonly headerBytes: number;
};

/** The segment of the data folder `path` that begins at a position. */
export function segmentAt(path: string, first: Position): Segment {
  const file = `events/${segmentName(first)}`;
  return { first, path: `${path}/${file}`, file };
}

/** The segments of the data folder `path`, in order. Files of other names are not looked at. */
export function listSegments(fileSystem: FileSystem, path: string): Segment[] {
  return readingLog("events", 0, () => fileSystem.list(`${path}/events`))
    .map(parseSegmentName)
    .filter((first) => first !== undefined)
    .sort((a, b) => a - b)
    .map((first) => segmentAt(path, first));
}

/**
 * Opens a segment.
 *
 * @param fileSystem Where.
 * @param segment The segment, which is there.
 * @param mode What for.
 * @returns The open file.
 * @throws {LogReadError} If the disk or the permissions stand against it.
 */
export function openSegment(
  fileSystem: FileSystem,
  segment: Segment,
  mode: "read" | "append",
): FileHandle {
  return readingLog(
    segment.file,
    0,
    () => fileSystem.open(segment.path, { mode }),
  );
}

/**
 * Reads the first line of a segment.
 *
 * @param file The open segment.
 * @returns What it says, or `undefined` when it is incomplete or damaged.
 */
export function readSegmentHeader(
  file: FileHandle,
): ReadSegmentHeader | undefined {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES_MAX);
  const filled = readFully(file, bytes, 0);
  return parseSegmentHeader(bytes.subarray(0, filled));
}

/** Which segments follow each other. */
export interface JoinedSegments {
  /** The segments from the first up to where the next one does not join. */
  readonly joined: readonly Segment[];
  /** Why it does not, or `undefined` when all of them join. */
  readonly damage: LogDamage | undefined;
}

/**
 * Checks what can be checked of all segments without reading them: that each header is whole and
 * of this store, that none is missing in between and none was shortened.
 *
 * @param fileSystem Where.
 * @param segments All segments, in order, but one at the end that was begun and not finished.
 * @param storeId The store's id.
 * @returns Those that join.
 * @throws {StoreFormatError} If a segment belongs to another store.
 */
export function joinSegments(
  fileSystem: FileSystem,
  segments: readonly Segment[],
  storeId: string,
): JoinedSegments {
  const joined: Segment[] = [];
  let damage: LogDamage | undefined;
  let previousBytes = 0;
  for (const segment of segments) {
    const { header, bytes } = readingLog(segment.file, 0, () => {
      using file = fileSystem.open(segment.path, { mode: "read" });
      return { header: readSegmentHeader(file), bytes: file.size() };
    });
    // Also behind damage: what belongs to another store must not be taken for a loss of this one.
    if (header && header.store !== storeId) {
      throw new StoreFormatError(
        segment.path,
        `it belongs to another store, move it away: ${header.store}`,
      );
    }
    if (damage) continue;
    const what = faultOf(segment, header, joined.at(-1)?.first, previousBytes);
    if (what === undefined) joined.push(segment);
    else {
      const { file, first } = segment;
      damage = { file, offset: 0, position: first, what };
    }
    previousBytes = bytes;
  }
  return { joined, damage };
}

function faultOf(
  segment: Segment,
  header: ReadSegmentHeader | undefined,
  previous: Position | undefined,
  previousBytes: number,
): string | undefined {
  if (header === undefined || header.segment !== segment.first) {
    return "its first line is damaged";
  }
  if (header.previous !== (previous ?? 0)) {
    return `the segment before it is missing: ${segmentName(header.previous)}`;
  }
  if (header.previousBytes !== previousBytes) {
    return `the segment before it must have ${header.previousBytes} bytes: ` +
      `current size is ${previousBytes}`;
  }
  return undefined;
}

/**
 * The segment that holds a position, or would if it existed.
 *
 * @param segments Segments in order.
 * @param position The position.
 * @returns Its index; -1 when it lies before all of them.
 */
export function segmentIndexOf(
  segments: readonly Segment[],
  position: Position,
): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const first = segments[middle]?.first ?? Infinity;
    if (first <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
