/**
 * The index file: which positions have which type and tag, in SQLite. It is derived from the log:
 * whenever anything about it is in doubt, it is deleted and made again.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Position } from "../events/event.ts";
import type { FrameLocation, IndexBlock } from "./index_tail.ts";
import type { Stream, Term } from "./query_streams.ts";

/** Changes whenever the tables or what they mean change: an index of another one is made again. */
const INDEX_FORMAT = 1;

// Frames nearer than this to the last one recorded are found from there.
const LOCATION_BYTES = 16 * 1_024;

const ROWS_PER_INSERT = 100;

/** SQLite's codes for "another connection writes" and "the disk is full": both pass. */
const SQLITE_PASSING_CODES = [5, 13];

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  store TEXT NOT NULL,
  through INTEGER NOT NULL,
  frame INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS terms (
  id INTEGER PRIMARY KEY,
  term TEXT NOT NULL UNIQUE,
  count INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS postings (
  term INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (term, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frames (
  first INTEGER PRIMARY KEY,
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL
) STRICT;
`;

/** The index does not fit the log or the process's own knowledge of it. Make it again. */
export class IndexMismatchError extends Error {
  override readonly name = "IndexMismatchError";
}

/** Which part of a stream. */
export interface PositionRange {
  /** Exclusive lower bound. */
  readonly after: Position;
  /** Inclusive upper bound. */
  readonly upTo: Position;
  /** At most this many positions. */
  readonly limit: number;
  /** Descending. */
  readonly backwards: boolean;
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
      this.#db.exec(SCHEMA);
      this.#sql(
        "INSERT INTO meta VALUES (1, ?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
      ).run(INDEX_FORMAT, storeId);
      const { format, store } = this.#row("SELECT format, store FROM meta");
      if (format !== INDEX_FORMAT || store !== storeId) {
        throw new IndexMismatchError(
          `The index belongs to store ${store}, format ${format}`,
        );
      }
      this.#recorded = this.locate(Number.MAX_SAFE_INTEGER) ??
        { segment: 0, offset: 0 };
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** How far the index goes. Another process may have taken it further. */
  watermark(): Watermark {
    const row = this.#row(
      "SELECT through, frame, segment, offset, crc FROM meta",
    );
    const { frame: first, segment, offset, crc } = row;
    return {
      through: Number(row.through),
      frame: {
        first: Number(first),
        segment: Number(segment),
        offset: Number(offset),
        crc: Number(crc),
      },
    };
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

  /** How often a term occurs. */
  count(term: Term): number {
    const row = this.#sql("SELECT count FROM terms WHERE term = ?").get(term);
    return Number(row?.count ?? 0);
  }

  /**
   * The positions that all terms of a stream have in common.
   *
   * @param stream The terms.
   * @param range Which of them, and in which order.
   */
  positions(
    stream: Stream,
    { after, upTo, limit, backwards }: PositionRange,
  ): Position[] {
    const terms: { id: number; count: number }[] = [];
    for (const term of stream) {
      const row = this.#sql("SELECT id, count FROM terms WHERE term = ?")
        .get(term);
      if (row === undefined) return [];
      terms.push({ id: Number(row.id), count: Number(row.count) });
    }
    terms.sort((a, b) => a.count - b.count);
    const others = terms.slice(1).map(() =>
      " AND EXISTS (SELECT 1 FROM postings o " +
      "WHERE o.term = ? AND o.position = p.position)"
    ).join("");
    const [rarest, ...rest] = terms.map(({ id }) => id);
    const rows = this.#sql(
      "SELECT p.position AS position FROM postings p " +
        `WHERE p.term = ? AND p.position > ? AND p.position <= ?${others} ` +
        `ORDER BY p.position ${backwards ? "DESC" : "ASC"} LIMIT ?`,
    ).all(rarest ?? 0, after, upTo, ...rest, limit);
    return rows.map(({ position }) => Number(position));
  }

  /** The last recorded frame that begins at or before a position. Its CRC is not recorded. */
  locate(position: Position): FrameLocation | undefined {
    const row = this.#sql(
      "SELECT first, segment, offset FROM frames WHERE first <= ? " +
        "ORDER BY first DESC LIMIT 1",
    ).get(position);
    return row && {
      first: Number(row.first),
      segment: Number(row.segment),
      offset: Number(row.offset),
      crc: 0,
    };
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  #insert(block: IndexBlock, through: Position): void {
    const upsert = this.#sql(
      "INSERT INTO terms (term, count) VALUES (?, ?) ON CONFLICT (term) " +
        "DO UPDATE SET count = count + excluded.count RETURNING id",
    );
    const values: number[] = [];
    for (const [term, all] of block.postings) {
      const positions = through < block.first
        ? all
        : all.filter((position) => position > through);
      if (positions.length === 0) continue;
      const id = Number(upsert.get(term, positions.length)?.id);
      for (const position of positions) values.push(id, position);
    }
    this.#insertPostings(values);
    const insertFrame = this.#sql(
      "INSERT OR REPLACE INTO frames VALUES (?, ?, ?)",
    );
    for (const { first, segment, offset } of block.frames) {
      const { segment: lastSegment, offset: lastOffset } = this.#recorded;
      const isNear = segment === lastSegment &&
        offset - lastOffset < LOCATION_BYTES;
      if (isNear) continue;
      insertFrame.run(first, segment, offset);
      this.#recorded = { segment, offset };
    }
    const { first, segment, offset, crc } = block.lastFrame;
    this.#sql(
      "UPDATE meta SET through = ?, frame = ?, segment = ?, offset = ?, crc = ?",
    ).run(block.last, first, segment, offset, crc);
  }

  #insertPostings(values: readonly number[]): void {
    const manyLength = 2 * ROWS_PER_INSERT;
    const many = this.#sql(
      `INSERT INTO postings VALUES ${
        Array(ROWS_PER_INSERT).fill("(?, ?)").join(", ")
      }`,
    );
    let at = 0;
    for (; at + manyLength <= values.length; at += manyLength) {
      many.run(...values.slice(at, at + manyLength));
    }
    const one = this.#sql("INSERT INTO postings VALUES (?, ?)");
    for (; at < values.length; at += 2) one.run(...values.slice(at, at + 2));
  }

  #row(sql: string): Record<string, unknown> {
    const row = this.#sql(sql).get();
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

function isPassing(error: unknown): boolean {
  return error instanceof Error && "errcode" in error &&
    SQLITE_PASSING_CODES.includes(Number(error.errcode));
}
