/**
 * How far the index goes, and whose it is: one row, with a checksum, as it is evidence against
 * the log when that turns out shorter.
 *
 * @module
 */
import type { Database } from "../storage/file_system.ts";
import { crc32 } from "node:zlib";
import type { Position } from "../events/event.ts";
import { IndexMismatchError } from "./index_mismatch.ts";
import type { FrameLocation } from "./index_tail.ts";

/** Changes whenever the tables or what they mean change: an index of another one is made again. */
export const INDEX_FORMAT = 2;

/** How far the index goes, and the frame that this position lies in; all 0 when empty. */
export interface Watermark {
  readonly through: Position;
  readonly frame: FrameLocation;
}

/** How far an empty index goes. */
export const EMPTY_MARK: Watermark = {
  through: 0,
  frame: { first: 0, segment: 0, offset: 0, crc: 0 },
};

/** Selects the row. */
export const SELECT_MARK =
  "SELECT through, frame, segment, offset, crc, checksum FROM meta";

/**
 * How far an index goes.
 *
 * @param database Its database.
 * @param storeId The store that it must belong to.
 * @throws {IndexMismatchError} If it belongs to another store or format, or is damaged.
 */
export function readMark(database: Database, storeId: string): Watermark {
  const { format, store, ...row } = database.prepare(
    `${SELECT_MARK.replace(" FROM", ", format, store FROM")}`,
  ).get() ?? {};
  if (format !== INDEX_FORMAT || store !== storeId) {
    throw new IndexMismatchError(
      `The index belongs to store ${store}, format ${format}`,
    );
  }
  return toWatermark(row);
}

/**
 * What the row says.
 *
 * @param row From {@linkcode SELECT_MARK}.
 * @throws {IndexMismatchError} If it is damaged.
 */
export function toWatermark(row: Record<string, unknown>): Watermark {
  const { through, frame: first, segment, offset, crc } = row;
  const mark = {
    through,
    frame: { first, segment, offset, crc },
  } as Watermark;
  if (row.checksum !== checksumOf(mark)) {
    throw new IndexMismatchError("The index is damaged");
  }
  return mark;
}

/** The checksum that stands in the row. */
export function checksumOf({ through, frame }: Watermark): number {
  const { first, segment, offset, crc } = frame;
  return crc32([through, first, segment, offset, crc].join());
}
