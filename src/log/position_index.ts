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
import type { Database } from "../storage/file_system.ts";
import { isBusy, primaryCode } from "../storage/sqlite_errors.ts";
import { execute } from "../storage/sqlite_execute.ts";
import { EVENT_LIMITS } from "../events/validation.ts";
import { LogReadError } from "./errors.ts";
import {
  checksumOf,
  EMPTY_MARK,
  INDEX_FORMAT,
  readMark,
  SELECT_MARK,
  toWatermark,
  type Watermark,
} from "./index_mark.ts";
import { IndexBusyError, IndexMismatchError } from "./index_mismatch.ts";
import { INDEX_SCHEMA } from "./index_schema.ts";
import {
  checksumOfCount,
  checksumOfType,
  IndexSums,
  shareOf,
  TagSums,
} from "./index_sums.ts";
import type { FrameLocation, IndexBlock } from "./index_tail.ts";
import { type PositionRange, selectStream } from "./index_sql.ts";
import { FirstPosition } from "./first_position.ts";
import type { Criterion, Stream } from "./query_streams.ts";
import { hashTag, TAG_HASH_MAX } from "./term_hash.ts";

// Frames nearer than this to the last one recorded are found from there.
const LOCATION_BYTES = 16 * 1_024;

const ROWS_PER_INSERT = 100;

/**
 * Hashes touch pages all over a table. New ones therefore gather in a small table, and each block
 * moves one of so many slices of it to the large one: every page is written far less often.
 */
const SLICES = 16;

/** Permissions, in use, read-only, failing, full, cannot be opened: the primary codes. */
const SQLITE_DISK_CODES = [3, 5, 8, 10, 13, 14];

/** Syncs only at checkpoints: what a power cut takes is indexed again. */
const SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; " +
  "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;";

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
  if (error instanceof IndexBusyError) return false;
  const code = primaryCode(error);
  return code === undefined || !SQLITE_DISK_CODES.includes(code);
}

/** The open index file. Any call may throw what SQLite throws: then the index is in doubt. */
export class PositionIndex implements Disposable {
  readonly #db: Database;
  readonly #statements = new Map<string, StatementSync>();
  readonly #sums = new IndexSums(
    (sql) => this.#sql(sql),
    (action) => this.#inTransaction(action),
  );
  readonly #first = new FirstPosition((sql) => this.#sql(sql), this.#sums);
  #recorded: { readonly segment: Position; readonly offset: number };

  /**
   * Opens the index, creating it if missing.
   *
   * @param database The file, or what was opened in its place.
   * @param storeId The store that it belongs to.
   * @throws {IndexMismatchError} If it belongs to another store or format.
   */
  constructor(database: string | Database, storeId: string) {
    this.#db = typeof database === "string"
      ? new DatabaseSync(database, { timeout: 50 })
      : database;
    try {
      execute(this.#db, SETTINGS);
      execute(this.#db, INDEX_SCHEMA);
      // Only where missing: it needs the write lock, which another process may hold for long.
      if (this.#sql("SELECT 1 FROM meta").get() === undefined) {
        this.#sql(
          "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, 0, 0, ?, 0)",
        ).run(INDEX_FORMAT, storeId, checksumOf(EMPTY_MARK));
      }
      readMark(this.#db, storeId);
      if (this.#sql("SELECT 1 FROM sums").get() === undefined) {
        const none = new TagSums().bytes;
        this.#sql("INSERT INTO sums VALUES (1, ?, ?, 0, ?)")
          .run(none, crc32(none), checksumOfCount(0));
      }
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
    return toWatermark(this.#row(SELECT_MARK));
  }

  /**
   * Adds a block in one transaction. What is there already is left as it is.
   *
   * @param block Follows what the index holds, or overlaps it.
   * @returns `false` when another process is writing: try later.
   * @throws {IndexMismatchError} If events between the index and the block are missing.
   */
  write(block: IndexBlock): boolean {
    try {
      execute(this.#db, "BEGIN IMMEDIATE");
      const { through } = this.watermark();
      if (through < block.first - 1) {
        throw new IndexMismatchError(
          `The index ends at position ${through}, events up to ${
            block.first - 1
          } are missing`,
        );
      }
      if (through < block.last) this.#insert(block, through);
      execute(this.#db, "COMMIT");
      return true;
    } catch (error) {
      if (this.#db.isTransaction) execute(this.#db, "ROLLBACK");
      if (isBusy(error)) return false;
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
    if (type !== undefined) {
      // About: nothing but speed depends on it, so that nothing is summed up for it.
      const row = this.#sql("SELECT count FROM types WHERE type = ?").get(type);
      count = Math.min(count, Number(row?.count ?? 0));
    }
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
    const found = type === undefined ? undefined : this.#sums.typeRow(type);
    if (type !== undefined && found === undefined) return [];
    for (const tag of tags) this.#sums.checkTag(hashTag(tag));
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
    const typeRows: number[] = [];
    let typesAdded = 0;
    for (const [type, all] of block.types) {
      const positions = all.filter(isNew);
      if (positions.length === 0) continue;
      const { id, isAdded } = this.#addToType(type, positions);
      if (isAdded) typesAdded++;
      for (const position of positions) typeRows.push(id, position);
    }
    this.#insertPairs("typed", typeRows);
    const tagRows: number[] = [];
    const sums = this.#sums.readTagSums();
    for (const [hash, positions] of byHash(block.tags)) {
      for (const position of positions) {
        if (!isNew(position)) continue;
        tagRows.push(hash, position);
        sums.add(hash, position);
      }
    }
    this.#insertPairs("recent_tags", tagRows);
    this.#writeSums(sums, typesAdded);
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

  #addToType(
    type: string,
    positions: readonly Position[],
  ): { readonly id: number; readonly isAdded: boolean } {
    const known = this.#sums.typeRow(type);
    const id = known?.id ??
      Number(this.#row("SELECT coalesce(max(id), 0) + 1 AS id FROM types").id);
    const count = (known?.count ?? 0) + positions.length;
    const sum = positions.reduce(
      (sum, position) => sum + shareOf(id, position),
      known?.sum ?? 0,
    );
    this.#sql("INSERT OR REPLACE INTO types VALUES (?, ?, ?, ?, ?)")
      .run(id, type, count, sum, checksumOfType({ id, type, count, sum }));
    return { id, isAdded: known === undefined };
  }

  #writeSums(sums: TagSums, typesAdded: number): void {
    const { bytes } = sums;
    this.#sql("UPDATE sums SET tags = ?, checksum = ?").run(
      bytes,
      crc32(bytes),
    );
    if (typesAdded === 0) return;
    const types = Number(this.#row("SELECT types FROM sums").types) +
      typesAdded;
    this.#sql("UPDATE sums SET types = ?, types_checksum = ?")
      .run(types, checksumOfCount(types));
  }

  /** Runs an action that sees one state of the file, whatever others commit. */
  #inTransaction<T>(action: () => T): T {
    if (this.#db.isTransaction) return action();
    execute(this.#db, "BEGIN");
    try {
      return action();
    } finally {
      // Nothing was written.
      if (this.#db.isTransaction) execute(this.#db, "COMMIT");
    }
  }

  #moveSlice(): void {
    const slice = Number(this.#row("SELECT slice FROM meta").slice) % SLICES;
    const from = Math.floor(TAG_HASH_MAX / SLICES) * slice;
    const to = slice === SLICES - 1
      ? TAG_HASH_MAX - 1
      : from + Math.floor(TAG_HASH_MAX / SLICES) - 1;
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

/** The positions of each hash, each once, in order of hash: that writes fewer pages. */
function byHash(
  tags: ReadonlyMap<string, readonly Position[]>,
): [number, Iterable<Position>][] {
  const hashed = [...tags]
    .map(([tag, all]): [number, Iterable<Position>] => [hashTag(tag), all])
    .sort(([a], [b]) => a - b);
  return hashed.reduce<[number, Iterable<Position>][]>((merged, entry) => {
    const last = merged.at(-1);
    // Two tags of the same hash on one event are one row.
    if (last?.[0] === entry[0]) last[1] = new Set([...last[1], ...entry[1]]);
    else merged.push(entry);
    return merged;
  }, []);
}
