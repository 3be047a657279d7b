/**
 * Values as people read them: tables, sizes, durations.
 *
 * @module
 */

/** A cell: texts stand to the left, numbers to the right. */
export type Cell = string | number;

/**
 * Lays out a table.
 *
 * @param titles The titles of the columns.
 * @param rows The cells, a row each.
 * @returns The lines, without the last line end.
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => `${row[column]}`.length))
  );
  return [titles, ...rows].map((row) =>
    widths.map((width, column) => {
      const cell = row[column] ?? "";
      const isNumber = typeof (rows[0]?.[column] ?? "") === "number";
      return isNumber ? `${cell}`.padStart(width) : `${cell}`.padEnd(width);
    }).join("  ").trimEnd()
  ).join("\n");
}

/**
 * A size.
 *
 * @param bytes The size in bytes.
 * @returns The size in the unit that fits: `"4.1 MiB"`.
 */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * A duration.
 *
 * @param ms The duration in milliseconds.
 * @returns The duration in the unit that fits: `"1.2 s"`.
 */
export function formatDuration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
