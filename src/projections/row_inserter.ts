/**
 * Inserts rows many at a time: several times faster than one by one.
 *
 * @module
 */
import type { StatementSync } from "node:sqlite";

/** Rows a statement: more is hardly faster, and the remainder goes one by one. */
const ROWS_PER_INSERT = 64;

type SqlValue = string | number | null;

/** Collects rows until there are enough for one statement. */
export class RowInserter {
  readonly #many: StatementSync;
  readonly #one: StatementSync;
  readonly #columns: number;
  #values: SqlValue[] = [];

  /**
   * @param prepare Makes a statement, or finds it again.
   * @param sql What stands before the rows: `INSERT INTO table (…) VALUES`.
   * @param columns Values a row.
   */
  constructor(
    prepare: (sql: string) => StatementSync,
    sql: string,
    columns: number,
  ) {
    const row = `(${Array(columns).fill("?").join(", ")})`;
    this.#many = prepare(
      `${sql} ${Array(ROWS_PER_INSERT).fill(row).join(", ")}`,
    );
    this.#one = prepare(`${sql} ${row}`);
    this.#columns = columns;
  }

  /** Takes a row. */
  add(...row: SqlValue[]): void {
    for (const value of row) this.#values.push(value);
    if (this.#values.length < this.#columns * ROWS_PER_INSERT) return;
    this.#many.run(...this.#values);
    this.#values = [];
  }

  /** Writes what is left. */
  finish(): void {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#one.run(...this.#values.slice(at, at + this.#columns));
    }
    this.#values = [];
  }
}
