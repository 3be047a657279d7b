/**
 * What an inspection found, in words.
 *
 * @module
 */
import type { VerifyProblem } from "../log/verify.ts";
import type { Finding } from "../maintenance/finding.ts";
import { type Inspection, positionsOf } from "../maintenance/inspect_folder.ts";
import { formatBytes } from "./table.ts";

/** What to do about a damaged log. */
export const LOG_ADVICE =
  "Restore the log from a backup, or save what can be read: opossum salvage TARGET --data DIR";

/** `1` as "1 place"; a log that does not open is damaged in one at least. */
export function placesText(count: number): string {
  return count > 1 ? `${count} places` : "1 place";
}

/** A line for each place where the log is damaged. */
export function damageLines({ log }: Inspection): string[] {
  const lines = log.report.problems.map(problemLine);
  const { refusal } = log;
  const isListed = refusal === undefined ||
    (refusal.name !== "StoreFormatError" && lines.length > 0);
  return isListed ? lines : [...lines, refusal.message];
}

/** The line of a place where the log is damaged. */
export function problemLine(
  { file, offset, first, last, what }: VerifyProblem,
): string {
  return `${file}, byte ${offset}, positions ${first} to ${last}: ${what}`;
}

/** The line of a finding. */
export function findingLine(finding: Finding): string {
  const { file, offset, bytes, what } = finding;
  const place = [
    file,
    offset === undefined ? "" : `byte ${offset}`,
    bytes === undefined ? "" : `${bytes} bytes`,
    positionsOf(finding) === "" ? "" : `from ${positionsOf(finding)} on`,
  ].filter((part) => part !== "");
  return `${place.join(", ")}: ${what}`;
}

/** What of the log can be read. */
export function readLine({ log }: Inspection): string {
  const { events, frames, segments, bytes } = log.report;
  return `${events} events in ${frames} appends, ${segments} segments, ${
    formatBytes(bytes)
  }`;
}

/** What of the log is lost; nothing when nothing is. */
export function lostLines({ log: { lost } }: Inspection): string[] {
  if (lost.length === 0) return [];
  const count = lost.reduce(
    (sum, { first, last }) => sum + last - first + 1,
    0,
  );
  const ranges = lost.map((positions) => positionsOf(positions)).join(", ");
  return [`Lost: ${count} events at ${ranges}`];
}
