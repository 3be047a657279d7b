/**
 * Looking at the index file without changing it.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Position, StoredEvent } from "../events/event.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { faultsOf, openForReading } from "../storage/sqlite_reading.ts";
import { isUnreadable } from "../storage/unreadable.ts";
import { reasonOf } from "./errors.ts";
import { readMark } from "./index_mark.ts";
import { IndexSums } from "./index_sums.ts";
import { INDEX_FILE } from "./index_file.ts";
import { hashTag } from "./term_hash.ts";

/**
 * How far the index proves the log to have been durable.
 *
 * @param fileSystem Where.
 * @param path The data folder.
 * @param storeId The store that it must belong to.
 * @returns The position; 0 when there is no index or it proves nothing.
 */
export function readWatermark(
  fileSystem: FileSystem,
  path: string,
  storeId: string,
): Position {
  const file = `${path}/${INDEX_FILE}`;
  if (!fileSystem.exists(file)) return 0;
  try {
    using database = openForReading(fileSystem, file);
    return readMark(database, storeId).through;
  } catch {
    // It is derived: whatever is wrong with it, it is made again.
    return 0;
  }
}

/** Compares the index with the events of the log, each of them once and in any order. */
export class IndexInspection implements Disposable {
  readonly #database: DatabaseSync | undefined;
  readonly #statements = new Map<string, StatementSync>();
  readonly #types = new Map<string, number>();
  #through: Position = 0;
  #fault: string | undefined;
  #isUnreadable = false;
  #seen = 0;
  #tagsSeen = 0;

  /**
   * @param fileSystem Where.
   * @param path The data folder.
   * @param storeId The store that it must belong to.
   */
  constructor(fileSystem: FileSystem, path: string, storeId: string) {
    const file = `${path}/${INDEX_FILE}`;
    if (!fileSystem.exists(file)) {
      this.#fault = "it is missing";
      return;
    }
    try {
      this.#database = openForReading(fileSystem, file);
      this.#through = readMark(this.#database, storeId).through;
      this.#fault = faultsOf(this.#database) ?? this.#checkSums();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether it only cannot be read just now, so that nothing can be said of it. */
  get isUnreadable(): boolean {
    return this.#isUnreadable;
  }

  /** Looks up an event of the log. */
  see({ position, type, tags }: StoredEvent): void {
    if (this.#fault !== undefined || position > this.#through) return;
    try {
      const hashes = new Set(tags.map(hashTag));
      const isThere = this.#has("typed", this.#idOf(type), position) &&
        [...hashes].every((hash) =>
          this.#has("tags", hash, position) ||
          this.#has("recent_tags", hash, position)
        );
      if (!isThere) this.#fault = `it lacks event ${position}`;
      this.#seen++;
      this.#tagsSeen += hashes.size;
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * What is wrong, once all events were seen.
   *
   * @param isWhole Whether the log is whole: else what the index has beyond it is evidence.
   * @returns What is wrong; `undefined` for nothing.
   */
  finish(isWhole: boolean): string | undefined {
    if (this.#fault !== undefined || !isWhole) return this.#fault;
    const typed = this.#count("typed");
    const tagged = this.#count("tags") + this.#count("recent_tags");
    return typed === this.#seen && tagged === this.#tagsSeen
      ? undefined
      : `it has ${typed} events with ${tagged} tags, the log ` +
        `${this.#seen} with ${this.#tagsSeen}`;
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#database?.isOpen) this.#database.close();
  }

  #fail(error: unknown): void {
    this.#fault = reasonOf(error);
    this.#isUnreadable = isUnreadable(error);
  }

  #checkSums(): undefined {
    const sums = new IndexSums((text) => this.#sql(text), (action) => action());
    for (const row of this.#sql("SELECT type FROM types").all()) {
      sums.typeRow(String(row.type));
    }
  }

  #idOf(type: string): number {
    const known = this.#types.get(type);
    if (known !== undefined) return known;
    const id = this.#sql("SELECT id FROM types WHERE type = ?").get(type)?.id;
    this.#types.set(type, Number(id ?? 0));
    return Number(id ?? 0);
  }

  #has(table: string, key: number, position: Position): boolean {
    const column = table === "typed" ? "type" : "tag";
    const sql = `SELECT 1 FROM ${table} WHERE ${column} = ? AND position = ?`;
    return this.#sql(sql).get(key, position) !== undefined;
  }

  #count(table: string): number {
    return Number(this.#sql(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known) return known;
    if (!this.#database) throw new TypeError("There is no index");
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}
