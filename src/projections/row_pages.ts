/**
 * Reading many rows page by page: a table may be large, and others run in between.
 *
 * @module
 */
import type { StatementSync } from "node:sqlite";
import { isKeyBefore } from "./key_order.ts";

/** A row as it is found, whatever stands in it. */
export type Row = Readonly<Record<string, unknown>>;

/** Which rows follow which. */
export interface PageOrder {
  /** The columns that the rows are in order of, and that the statement takes to go on from. */
  readonly columns: readonly string[];
  /** What is before all rows. */
  readonly start: readonly (string | number)[];
}

/** By the number of the row: a damaged one may be negative. */
export const BY_ROW: PageOrder = {
  columns: ["row"],
  start: [Number.MIN_SAFE_INTEGER],
};

/** By the position of an event, which is the number of the row as well. */
export const BY_POSITION: PageOrder = {
  columns: ["position"],
  start: BY_ROW.start,
};

/** By the key of a document. */
export const BY_KEY: PageOrder = { columns: ["key"], start: [""] };

/**
 * The rows of a statement, page by page. Each page is read when it is asked for.
 *
 * @param select Takes the last row's columns, and gives so many rows behind it at most.
 * @param order In which order it gives them.
 * @param disorder What to throw when they are not in that order: one bit makes another number of a
 * row, and whoever goes on from what came last would read the same pages for ever.
 * @returns Pages, none of them empty.
 */
export function* rowPages(
  select: StatementSync,
  { columns, start }: PageOrder,
  disorder: () => Error,
): Generator<readonly Row[], void> {
  for (let after = start;;) {
    const rows: readonly Row[] = select.all(...after);
    const last = rows.at(-1);
    if (last === undefined) return;
    const next = columns.map((column) => last[column] as string | number);
    if (!isBefore(after, next)) throw disorder();
    yield rows;
    after = next;
  }
}

/** Whether one place comes before another, as far as SQLite compares them. */
function isBefore(
  a: readonly (string | number)[],
  b: readonly (string | number)[],
): boolean {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    if (left === right) continue;
    if (typeof left === "string" && typeof right === "string") {
      return isKeyBefore(left, right);
    }
    return typeof left === "number" && typeof right === "number" &&
      left < right;
  }
  return false;
}
