/**
 * What a rebuild would do, does and did, in words.
 *
 * @module
 */
import type {
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  RebuildComparison,
  RebuildOperation,
  RebuildPlan,
  RebuildReason,
} from "../../rebuild/operation.ts";
import type { CaughtUp } from "../catch_up.ts";
import { formatBytes, formatDuration, formatTable } from "../table.ts";

/** Samples of a comparison that are printed; `--json` has all of them. */
const SAMPLES_MAX = 5;
const SAMPLE_LENGTH = 60;

/** A plan: a table, and what it takes. */
export function planText(plan: RebuildPlan): string {
  const { projections } = plan;
  return [
    formatTable(
      ["PROJECTION", "REBUILD", "REASON", "EVENTS"],
      projections.map(({ projectionName, rebuild, reason, events }) => [
        projectionName,
        rebuild ? "yes" : "no",
        reason,
        events,
      ]),
    ),
    "",
    planSummary(plan),
  ].join("\n");
}

/** What a plan takes, in a line. */
export function planSummary(
  { projections, events, estimatedDuration, estimatedBytes, freeBytes }:
    RebuildPlan,
): string {
  const count = projections.filter(({ rebuild }) => rebuild).length;
  if (count === 0) return "Nothing would be rebuilt";
  const duration = estimatedDuration === null
    ? "nothing tells for how long yet"
    : `about ${formatDuration(estimatedDuration)}`;
  const free = freeBytes === null ? "" : ` of ${formatBytes(freeBytes)} free`;
  return `Would rebuild ${count} of ${projections.length} projections: ` +
    `${events} events, ${duration}, about ${
      formatBytes(estimatedBytes)
    }${free} on the disk`;
}

/** How a new build differs from what serves. */
export function comparisonLines(
  name: string,
  { added, removed, changed, unchanged, generation, samples }:
    RebuildComparison,
): string[] {
  const lines = [
    `${name}: compared with generation ${generation}, ${added} documents added, ` +
    `${removed} removed, ${changed} changed, ${unchanged} unchanged`,
    ...samples.slice(0, SAMPLES_MAX).map(({ key, change, before, after }) =>
      `  ${change} ${JSON.stringify(key)}: ${cut(before)} -> ${cut(after)}`
    ),
  ];
  const left = added + removed + changed - SAMPLES_MAX;
  return left > 0 ? [...lines, `  and ${left} more`] : lines;
}

function cut(text: string | null): string {
  if (text === null) return "nothing";
  return text.length > SAMPLE_LENGTH
    ? `${text.slice(0, SAMPLE_LENGTH)}…`
    : text;
}

/** What an operation came to: a line for each projection, and one for all. */
export function resultLines(
  result: ProjectionRebuildResult,
  caughtUp: readonly CaughtUp[],
): string[] {
  return [
    ...result.details.flatMap(detailLines),
    ...caughtUp.map(describeCaughtUp),
    summarize(result),
  ];
}

function detailLines(detail: ProjectionRebuildDetail): string[] {
  const { projectionName, success, state, reason, errorMessage } = detail;
  if (!success) {
    const why = errorMessage === null ? "" : `: ${errorMessage}`;
    return [`${projectionName}: ${state}${why}`];
  }
  const { duration, eventsProcessed, documents, comparison } = detail;
  return [
    `${projectionName}: rebuilt (${reason}) in ${
      formatDuration(duration)
    }, ${eventsProcessed} events applied, ${documents} documents`,
    ...comparison ? comparisonLines(projectionName, comparison) : [],
  ];
}

function describeCaughtUp(
  { projectionName, success, from, to, errorMessage }: CaughtUp,
): string {
  return success
    ? `${projectionName}: brought up to date from position ${from} to ${to}`
    : `${projectionName}: stands still at position ${to}: ${errorMessage}`;
}

function summarize(
  { details, totalRebuilt, duration, nothingToDo }: ProjectionRebuildResult,
): string {
  if (nothingToDo) return "There was nothing to rebuild";
  return `${totalRebuilt} of ${details.length} projections rebuilt in ${
    formatDuration(duration)
  }`;
}

/** That an operation waits to be promoted, and how it differs. */
export function promotionLines({ id, progress }: RebuildOperation): string[] {
  return [
    ...progress.flatMap(({ projectionName, comparison }) =>
      comparison ? comparisonLines(projectionName, comparison) : []
    ),
    `Operation ${id} waits to be promoted: until then, what served before serves`,
    `To swap it in: opossum operations promote ${id}`,
    `To discard it: opossum operations cancel ${id}`,
  ];
}

const HELD: Readonly<Partial<Record<RebuildReason, string>>> = {
  rolledBack: "it was rolled back",
  awaitingPromotion: "a build of it waits to be promoted",
};

/** What needs a rebuild all the same, but was decided otherwise by somebody. */
export function heldLines({ projections }: RebuildPlan): string[] {
  return projections.flatMap(({ projectionName: name, rebuild, reason }) =>
    rebuild || HELD[reason] === undefined ? [] : [
      `${name} is left alone, as ${HELD[reason]}: name it to rebuild it`,
    ]
  );
}
