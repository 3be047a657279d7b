/**
 * What the benches print: plain tables (Markdown, to be quoted as they are) on standard output,
 * and on standard error what is going on.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this is where benches talk to people
import { cpus } from "node:os";

/**
 * Prints a line, or several.
 *
 * @param text The line.
 */
export function print(text: string = ""): void {
  console.log(text);
}

/**
 * Says what is going on.
 *
 * @param text The line.
 */
export function note(text: string): void {
  console.error(text);
}

/**
 * Prints a heading with the machine under it: figures of two machines, or of two hours of a
 * shared one, do not compare.
 *
 * @param title What is measured.
 */
export function printHeading(title: string): void {
  const cores = cpus();
  print(`## ${title}\n`);
  print(
    `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), ` +
      `${Deno.build.os}, Deno ${Deno.version.deno}, ` +
      `${new Date().toISOString().slice(0, 10)}\n`,
  );
}

/**
 * Lays out a table.
 *
 * @param head The names of the columns.
 * @param rows The cells.
 * @returns The lines, each column as wide as its widest cell; the first is text, the others end
 * at the right.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      widths.map((width, column) => {
        const cell = cells[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      }).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/**
 * Prints a table and an empty line.
 *
 * @param head The names of the columns.
 * @param rows The cells.
 */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  print(`${formatTable(head, rows)}\n`);
}

/**
 * A duration to read.
 *
 * @param durationMs The duration, in milliseconds.
 * @returns Three digits or so, with a unit.
 */
export function duration(durationMs: number): string {
  if (durationMs >= 10_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  if (durationMs >= 1_000) return `${(durationMs / 1_000).toFixed(2)} s`;
  if (durationMs >= 100) return `${durationMs.toFixed(0)} ms`;
  if (durationMs >= 10) return `${durationMs.toFixed(1)} ms`;
  return `${durationMs.toFixed(2)} ms`;
}

/**
 * A ratio to read.
 *
 * @param value What is compared.
 * @param base To what.
 * @returns Two decimals.
 */
export function ratio(value: number, base: number): string {
  return (value / base).toFixed(2);
}

/**
 * A size to read.
 *
 * @param bytes The size.
 * @returns Whole megabytes (MiB).
 */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}

/**
 * A count to read.
 *
 * @param value The count.
 * @returns Whole, with commas.
 */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
