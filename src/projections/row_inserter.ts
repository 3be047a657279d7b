/**
 * Inserts rows many at a time: several times faster than one by one.
 *
 * @module
 */
import type { StatementSync } from "node:sqlite";

/** Rows a statement: more is hardly faster, and the remainder goes one by one. */
const ROWS_PER_INSERT = 64;

type SqlValue = string | number | null;

/** A statement that inserts rows. */
export interface InsertStatement {
  /** What stands before the rows: `INSERT INTO table (…) VALUES`. */
  readonly sql: string;
  /** Values a row. */
  readonly columns: number;
  /** What stands after the rows, such as what to do when one is there already. */
  readonly ending: string;
}

/** Collects rows until there are enough for one statement. */
export class RowInserter {
  readonly #many: StatementSync;
  readonly #one: StatementSync;
  readonly #columns: number;
  #values: SqlValue[] = [];

  /**
   * @param prepare Makes a statement, or finds it again.
   * @param statement What to run.
   */
  constructor(
    prepare: (sql: string) => StatementSync,
    { sql, columns, ending }: InsertStatement,
  ) {
    const row = `(${Array(columns).fill("?").join(", ")})`;
    const rows = Array(ROWS_PER_INSERT).fill(row).join(", ");
    this.#many = prepare(`${sql} ${rows} ${ending}`);
    this.#one = prepare(`${sql} ${row} ${ending}`);
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
