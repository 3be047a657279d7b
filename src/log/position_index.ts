/**
 * The index file: which positions have which type and tag, in SQLite. It is derived from the log:
 * whenever anything about it is in doubt, it is deleted and made again.
 *
 * Tags stand there as hashes, so that an answer may hold a position too many: the reader compares
 * the event's tags. It never lacks one.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Position } from "../events/event.ts";
import { EVENT_LIMITS } from "../events/validation.ts";
import { LogReadError } from "./errors.ts";
import { INDEX_SCHEMA } from "./index_schema.ts";
import type { FrameLocation, IndexBlock } from "./index_tail.ts";
import { type PositionRange, selectStream } from "./index_sql.ts";
import { FirstPosition } from "./first_position.ts";
import type { Criterion, Stream } from "./query_streams.ts";
import { hashTag, TAG_HASH_MAX } from "./term_hash.ts";

/** Changes whenever the tables or what they mean change: an index of another one is made again. */
const INDEX_FORMAT = 1;

// Frames nearer than this to the last one recorded are found from there.
const LOCATION_BYTES = 16 * 1_024;

const ROWS_PER_INSERT = 100;

/**
 * Hashes touch pages all over a table. New ones therefore gather in a small table, and each block
 * moves one of so many slices of it to the large one: every page is written far less often.
 */
const SLICES = 16;

/** Permissions, read-only, failing, full, cannot be opened: the primary codes. */
const SQLITE_DISK_CODES = [3, 8, 10, 13, 14];

/** SQLite's codes for "another connection writes" and "the disk is full": both pass. */
const SQLITE_PASSING_CODES = [5, 13];

/** The index does not fit the log or the process's own knowledge of it. Make it again. */
export class IndexMismatchError extends Error {
  override readonly name = "IndexMismatchError";
}

/** Whether what was thrown says something about the index file, rather than about the question. */
export function isIndexFault(error: unknown): boolean {
  // Whatever comes from SQLite has a code, also what it refuses to hand out.
  return error instanceof IndexMismatchError ||
    (error instanceof Error && "code" in error &&
      !(error instanceof LogReadError));
}

/**
 * Whether the index file is wrong, rather than its disk, its permissions or the number of open
 * files: those leave it as good as it was, and what it knows of the log is worth keeping.
 */
export function isDamagedIndex(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error
    ? Number(error.errcode) & 0xff
    : undefined;
  return code === undefined || !SQLITE_DISK_CODES.includes(code);
}

/** How far the index goes, and the frame that this position lies in; all 0 when empty. */
export interface Watermark {
  readonly through: Position;
  readonly frame: FrameLocation;
}

/** The open index file. Any call may throw what SQLite throws: then the index is in doubt. */
export class PositionIndex implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #first = new FirstPosition((sql) => this.#sql(sql));
  #recorded: { readonly segment: Position; readonly offset: number };

  /**
   * Opens the index, creating it if missing.
   *
   * @param path The file.
   * @param storeId The store that it belongs to.
   * @throws {IndexMismatchError} If it belongs to another store or format.
   */
  constructor(path: string, storeId: string) {
    this.#db = new DatabaseSync(path, { timeout: 50 });
    try {
      // Syncs only at checkpoints: what a power cut takes is indexed again.
      this.#db.exec(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; " +
          "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;",
      );
      this.#db.exec(INDEX_SCHEMA);
      this.#sql(
        "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, 0, 0, ?, 0) " +
          "ON CONFLICT DO NOTHING",
      ).run(INDEX_FORMAT, storeId, checksumOf(EMPTY));
      const { format, store } = this.#row("SELECT format, store FROM meta");
      if (format !== INDEX_FORMAT || store !== storeId) {
        throw new IndexMismatchError(
          `The index belongs to store ${store}, format ${format}`,
        );
      }
      this.watermark();
      this.#recorded = this.locate(Number.MAX_SAFE_INTEGER) ??
        { segment: 0, offset: 0 };
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /**
   * How far the index goes. Another process may have taken it further.
   *
   * @throws {IndexMismatchError} If the record of it is damaged.
   */
  watermark(): Watermark {
    const row = this.#row(
      "SELECT through, frame, segment, offset, crc, checksum FROM meta",
    );
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

  /**
   * Adds a block in one transaction. What is there already is left as it is.
   *
   * @param block Follows what the index holds, or overlaps it.
   * @returns `false` when another process is writing, or the disk is full: try later.
   * @throws {IndexMismatchError} If events between the index and the block are missing.
   */
  write(block: IndexBlock): boolean {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const { through } = this.watermark();
      if (through < block.first - 1) {
        throw new IndexMismatchError(
          `The index ends at position ${through}, events up to ${
            block.first - 1
          } are missing`,
        );
      }
      if (through < block.last) this.#insert(block, through);
      this.#db.exec("COMMIT");
      return true;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      if (isPassing(error)) return false;
      throw error;
    }
  }

  /**
   * How many positions of a stream there are, no more exactly than `countMax` asks for.
   *
   * @param stream What an event must have; what is rarest of it is counted.
   * @param countMax Counting stops here.
   */
  count({ type, tags }: Stream, countMax: number): number {
    let count = countMax;
    if (type !== undefined) count = Math.min(count, this.#typeOf(type).count);
    for (const tag of tags) count = this.#countTag(tag, count);
    return count;
  }

  /**
   * The positions of a stream.
   *
   * @param stream What an event must have.
   * @param range Which of them, and in which order.
   */
  positions({ type, tags }: Stream, range: PositionRange): Position[] {
    // No event has so many, and no statement takes any number.
    if (tags.length > EVENT_LIMITS.tagsPerEventMax) return [];
    const found = type === undefined ? undefined : this.#typeOf(type);
    if (found?.count === 0) return [];
    let ordered = tags;
    if (tags.length > 1) {
      const counts = new Map(
        tags.map((tag) => [tag, this.#countTag(tag, 256)]),
      );
      ordered = tags.toSorted((a, b) =>
        (counts.get(a) ?? 0) - (counts.get(b) ?? 0)
      );
    }
    const hashes = ordered.map(hashTag);
    const { sql, values } = selectStream(found?.id, hashes, range);
    return this.#sql(sql).all(...values).map(({ position }) =>
      Number(position)
    );
  }

  /**
   * The first position that meets a criterion.
   *
   * @param criterion What an event must have.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound.
   */
  first(
    criterion: Criterion,
    after: Position,
    upTo: Position,
  ): Position | undefined {
    return this.#first.find(criterion, after, upTo);
  }

  /** The last recorded frame that begins at or before a position. Its CRC is not recorded. */
  locate(position: Position): FrameLocation | undefined {
    const row = this.#sql(
      "SELECT first, segment, offset, 0 AS crc FROM frames WHERE first <= ? " +
        "ORDER BY first DESC LIMIT 1",
    ).get(position);
    return row && { ...row } as unknown as FrameLocation;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #typeOf(type: string): { readonly id: number; readonly count: number } {
    const row = this.#sql("SELECT id, count FROM types WHERE type = ?")
      .get(type);
    return { id: Number(row?.id ?? 0), count: Number(row?.count ?? 0) };
  }

  #countTag(tag: string, countMax: number): number {
    const count = (table: string, limit: number) =>
      Number(
        this.#row(
          `SELECT count(*) AS count FROM (SELECT 1 FROM ${table} ` +
            "WHERE tag = ? LIMIT ?)",
          hashTag(tag),
          limit,
        ).count,
      );
    const old = count("tags", countMax);
    return old + count("recent_tags", countMax - old);
  }

  #insert(block: IndexBlock, through: Position): void {
    const isNew = (position: Position) => position > through;
    const upsert = this.#sql(
      "INSERT INTO types (type, count) VALUES (?, ?) ON CONFLICT (type) " +
        "DO UPDATE SET count = count + excluded.count RETURNING id",
    );
    const typeRows: number[] = [];
    for (const [type, all] of block.types) {
      const positions = all.filter(isNew);
      if (positions.length === 0) continue;
      const id = Number(upsert.get(type, positions.length)?.id);
      for (const position of positions) typeRows.push(id, position);
    }
    this.#insertPairs("typed", typeRows);
    const tagRows: number[] = [];
    const hashed = [...block.tags]
      .map(([tag, all]) => ({ hash: hashTag(tag), all }))
      .sort((a, b) => a.hash - b.hash);
    for (const { hash, all } of hashed) {
      for (const position of all) {
        if (isNew(position)) tagRows.push(hash, position);
      }
    }
    this.#insertPairs("recent_tags", tagRows);
    this.#moveSlice();
    this.#recordFrames(block.frames);
    const { last, lastFrame } = block;
    const { first, segment, offset, crc } = lastFrame;
    const checksum = checksumOf({ through: last, frame: lastFrame });
    this.#sql(
      "UPDATE meta SET through = ?, frame = ?, segment = ?, offset = ?, " +
        "crc = ?, checksum = ?",
    ).run(last, first, segment, offset, crc, checksum);
  }

  #moveSlice(): void {
    const slice = Number(this.#row("SELECT slice FROM meta").slice) % SLICES;
    const from = Math.floor(TAG_HASH_MAX / SLICES) * slice;
    const to = slice === SLICES - 1
      ? TAG_HASH_MAX - 1
      : from + Math.floor(TAG_HASH_MAX / SLICES) - 1;
    // Two tags of the same hash on one event are one row.
    this.#sql(
      "INSERT OR IGNORE INTO tags SELECT tag, position FROM recent_tags " +
        "WHERE tag BETWEEN ? AND ? ORDER BY tag, position",
    ).run(from, to);
    this.#sql("DELETE FROM recent_tags WHERE tag BETWEEN ? AND ?")
      .run(from, to);
    this.#sql("UPDATE meta SET slice = ?").run(slice + 1);
  }

  #recordFrames(frames: readonly FrameLocation[]): void {
    const insert = this.#sql("INSERT OR IGNORE INTO frames VALUES (?, ?, ?)");
    for (const { first, segment, offset } of frames) {
      const isNear = segment === this.#recorded.segment &&
        offset - this.#recorded.offset < LOCATION_BYTES;
      if (isNear) continue;
      insert.run(first, segment, offset);
      this.#recorded = { segment, offset };
    }
  }

  #insertPairs(table: string, values: readonly number[]): void {
    const manyLength = 2 * ROWS_PER_INSERT;
    const pairs = Array(ROWS_PER_INSERT).fill("(?, ?)").join(", ");
    const many = this.#sql(`INSERT OR IGNORE INTO ${table} VALUES ${pairs}`);
    let at = 0;
    for (; at + manyLength <= values.length; at += manyLength) {
      many.run(...values.slice(at, at + manyLength));
    }
    const one = this.#sql(`INSERT OR IGNORE INTO ${table} VALUES (?, ?)`);
    for (; at < values.length; at += 2) one.run(...values.slice(at, at + 2));
  }

  #row(sql: string, ...values: number[]): Record<string, unknown> {
    const row = this.#sql(sql).get(...values);
    if (row === undefined) throw new IndexMismatchError("The index is empty");
    return row;
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

const EMPTY: Watermark = {
  through: 0,
  frame: { first: 0, segment: 0, offset: 0, crc: 0 },
};

function checksumOf({ through, frame }: Watermark): number {
  const { first, segment, offset, crc } = frame;
  return crc32([through, first, segment, offset, crc].join());
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && "errcode" in error &&
    SQLITE_PASSING_CODES.includes(Number(error.errcode));
}
