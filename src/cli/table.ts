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

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * A duration.
 *
 * @param ms The duration in milliseconds.
 * @returns The duration in units that fit: `"1.2 s"`, `"4 min 5 s"`, `"2 h"`.
 */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < HOUR_MS
    ? inTwo(ms, MINUTE_MS, "min", 1_000, "s")
    : inTwo(ms, HOUR_MS, "h", MINUTE_MS, "min");
}

function inTwo(
  ms: number,
  large: number,
  largeUnit: string,
  small: number,
  smallUnit: string,
): string {
  const total = Math.round(ms / small);
  const rest = total % (large / small);
  const whole = `${(total - rest) / (large / small)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}
