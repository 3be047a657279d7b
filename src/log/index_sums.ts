/**
 * Sums over the rows of the index, by which a row that was lost or changed on the disk is noticed.
 *
 * SQLite has no checksums, and a missing row would let an append condition pass that must not.
 * The index therefore keeps a sum over the positions of each type and of each of 1,024 slices of
 * the tags, changed in the transaction that adds the rows. Whatever a question relies on is summed
 * up once, at the first question of the process.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Position } from "../events/event.ts";
import { IndexMismatchError } from "./index_mismatch.ts";

/** A prime: a change of any one bit of a row changes its share of the sum. */
const PRIME = 67_108_859;

/** Few enough to be written with each transaction, enough for each to be summed up in no time. */
const SLICE_COUNT = 1_024;

/** Tags have hashes of 53 bits: how many of them a slice has. */
const HASHES_PER_SLICE = 2 ** 43;

/** The same as {@linkcode shareOf}. SQLite's integers have 64 bits. */
const SQL_SHARE =
  `1 + ((key % ${PRIME}) * (position % ${PRIME}) + key % ${PRIME} + ` +
  `3 * (position % ${PRIME})) % ${PRIME}`;

const SUM_OF_TYPE = `SELECT coalesce(sum(${SQL_SHARE}), 0) AS sum FROM ` +
  "(SELECT type AS key, position FROM typed WHERE type = ?)";

const SUM_OF_SLICE = `SELECT coalesce(sum(${SQL_SHARE}), 0) AS sum FROM ` +
  "(SELECT tag AS key, position FROM tags WHERE tag BETWEEN ?1 AND ?2 " +
  "UNION ALL SELECT tag, position FROM recent_tags WHERE tag BETWEEN ?1 AND ?2)";

/** What a row adds to its sum. No sum of as many rows as there can be is beyond 2^53. */
export function shareOf(key: number, position: Position): number {
  const a = key % PRIME;
  const b = position % PRIME;
  return 1 + (a * b + a + 3 * b) % PRIME;
}

/** A row of `types`. */
export interface TypeRow {
  readonly id: number;
  readonly type: string;
  readonly count: number;
  readonly sum: number;
}

/** The checksum that stands in a row of `types`. */
export function checksumOfType({ id, type, count, sum }: TypeRow): number {
  return crc32(`${id},${count},${sum},${type}`);
}

/** The sums of all slices of the tags. */
export class TagSums {
  readonly #sums: Float64Array;

  /** @param bytes What {@linkcode TagSums.bytes} gave; nothing for an empty index. */
  constructor(bytes?: Uint8Array) {
    this.#sums = new Float64Array(SLICE_COUNT);
    if (bytes) new Uint8Array(this.#sums.buffer).set(bytes);
  }

  /** The sums as bytes. */
  get bytes(): Buffer {
    return Buffer.from(this.#sums.buffer);
  }

  /** Adds a row. */
  add(hash: number, position: Position): void {
    const slice = sliceOf(hash);
    this.#sums[slice] = this.of(slice) + shareOf(hash, position);
  }

  /** The sum of a slice. */
  of(slice: number): number {
    return this.#sums[slice] ?? 0;
  }
}

/** Checks rows before they are relied upon. */
export class IndexSums {
  readonly #sql: (text: string) => StatementSync;
  readonly #inTransaction: <T>(action: () => T) => T;
  readonly #types = new Set<number>();
  readonly #slices = new Set<number>();
  #areTypesChecked = false;

  /**
   * @param sql Gives the statement for a text, the same one each time.
   * @param inTransaction Runs an action that sees one state of the file.
   */
  constructor(
    sql: (text: string) => StatementSync,
    inTransaction: <T>(action: () => T) => T,
  ) {
    this.#sql = sql;
    this.#inTransaction = inTransaction;
  }

  /**
   * The row of a type.
   *
   * @param type The type.
   * @returns The row; `undefined` when there is none.
   * @throws {IndexMismatchError} If rows are not what was written.
   */
  typeRow(type: string): TypeRow | undefined {
    if (!this.#areTypesChecked) this.#checkTypes();
    const row = this.#findType(type);
    if (row && !this.#types.has(row.id)) this.#checkType(row);
    return row;
  }

  /**
   * Checks the positions of a tag.
   *
   * @param hash The tag's hash.
   * @throws {IndexMismatchError} If they are not what was written.
   */
  checkTag(hash: number): void {
    const slice = sliceOf(hash);
    if (this.#slices.has(slice)) return;
    this.#inTransaction(() => {
      const from = slice * HASHES_PER_SLICE;
      const to = from + HASHES_PER_SLICE - 1;
      const sum = this.#sql(SUM_OF_SLICE).get(from, to)?.sum;
      if (sum !== this.readTagSums().of(slice)) throw damaged("tags");
    });
    this.#slices.add(slice);
  }

  /**
   * The sums of the tags as they stand in the file.
   *
   * @throws {IndexMismatchError} If they are not what was written.
   */
  readTagSums(): TagSums {
    const row = this.#sql("SELECT tags, checksum FROM sums").get();
    const bytes = row?.tags;
    const isRight = bytes instanceof Uint8Array &&
      bytes.length === SLICE_COUNT * 8 && crc32(bytes) === row?.checksum;
    if (!isRight) throw damaged("sums");
    return new TagSums(bytes);
  }

  #findType(type: string): TypeRow | undefined {
    const row = this.#sql(
      "SELECT id, type, count, sum, checksum FROM types WHERE type = ?",
    ).get(type);
    return row && checkedType(row);
  }

  /** Whether every type that was ever added is there, and found by its name. */
  #checkTypes(): void {
    this.#inTransaction(() => {
      const rows = this.#sql(
        "SELECT id, type, count, sum, checksum FROM types NOT INDEXED",
      ).all();
      for (const row of rows) {
        const { id, type } = checkedType(row);
        if (this.#findType(type)?.id !== id) throw damaged("types");
      }
      const added = this.#sql("SELECT types, types_checksum FROM sums").get();
      const isRight = added?.types === rows.length &&
        added.types_checksum === checksumOfCount(rows.length);
      if (!isRight) throw damaged("types");
    });
    this.#areTypesChecked = true;
  }

  #checkType({ type, id }: TypeRow): void {
    this.#inTransaction(() => {
      const sum = this.#sql(SUM_OF_TYPE).get(id)?.sum;
      // Read again: another process may have added some before this transaction.
      if (sum !== this.#findType(type)?.sum) throw damaged("positions");
    });
    this.#types.add(id);
  }
}

/** The checksum of the number of types. */
export function checksumOfCount(count: number): number {
  return crc32(`types,${count}`);
}

function checkedType(row: Record<string, unknown>): TypeRow {
  const { checksum } = row;
  const read = row as unknown as TypeRow;
  if (checksum !== checksumOfType(read)) throw damaged("types");
  return read;
}

function sliceOf(hash: number): number {
  return Math.floor(hash / HASHES_PER_SLICE);
}

function damaged(what: string): IndexMismatchError {
  return new IndexMismatchError(`The index is damaged: its ${what} are wrong`);
}
