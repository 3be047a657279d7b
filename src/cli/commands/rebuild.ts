/**
 * `opossum rebuild`: rebuilds projections, showing how far it is.
 *
 * @module
 */
import type { Opossum } from "../../opossum.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
} from "../../rebuild/operation.ts";
import { catchUp, type CaughtUp } from "../catch_up.ts";
import {
  type Command,
  type CommandCall,
  type CommandOutcome,
  UsageError,
} from "../command.ts";
import { EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK } from "../exit_codes.ts";
import { openStore } from "../open_store.ts";
import { type Progress, startProgress } from "../progress.ts";
import { formatDuration, formatTable } from "../table.ts";
import { watchRebuild } from "../watch_rebuild.ts";

const NOTE_UNITS_MAX = 256;

/** The command. */
export const rebuildCommand: Command = {
  name: "rebuild",
  operands: "[NAME…]",
  operandCount: [0, Infinity],
  summary: "Rebuild projections.",
  details:
    `Rebuilds the projections NAME…, whether they need it or not. Without names: those
that are absent, stale, damaged or faulted, or with --force all of them; the others
are brought up to the log's last position.

Each is built aside, then swapped in: readers are served from the old documents
until then, and a failed or stopped rebuild changes nothing. One that fails does not
stop the others; the exit status is then 1. SIGINT cancels: what is swapped in by
then stays.`,
  options: ["force", "concurrency", "dry-run", "note"],
  needsProjections: true,
  run: rebuild,
};

async function rebuild(call: CommandCall): Promise<CommandOutcome> {
  const { operands, options, io } = call;
  const { force = false, concurrency, note } = options;
  const names = operands.length > 0 ? operands : undefined;
  if (note !== undefined && note.length > NOTE_UNITS_MAX) {
    throw new UsageError(
      `Option '--note' must have at most ${NOTE_UNITS_MAX} characters: it has ${note.length}`,
    );
  }
  const maxConcurrentRebuilds = readConcurrency(concurrency);
  await using opossum = await openStore(call, {
    projections: true,
    opossum: maxConcurrentRebuilds === undefined
      ? {}
      : { maxConcurrentRebuilds },
  });
  const { rebuilder } = opossum;
  if (options["dry-run"]) {
    return toPlan(await rebuilder.plan(names, { forceRebuild: force }));
  }
  using progress = startProgress(io, "events");
  const asked = {
    trigger: "cli" as const,
    signal: io.signal,
    ...note === undefined ? {} : { note },
  };
  const result = await watchRebuild(
    rebuilder,
    names === undefined
      ? rebuilder.rebuildAll({ ...asked, forceRebuild: force })
      : rebuilder.rebuild(names, asked),
    progress,
  );
  const caughtUp = names === undefined
    ? await catchUpOthers(opossum, result, progress, io.signal)
    : [];
  return toOutcome(result, caughtUp, io.signal);
}

function readConcurrency(
  text: string | undefined,
): number | "auto" | undefined {
  if (text === undefined || text === "auto") return text;
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : NaN;
  if (!(value >= 1 && value <= 64)) {
    throw new UsageError(
      `Option '--concurrency' must be an integer from 1 to 64, or "auto": current value is ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}

/** Brings up to date what did not have to be rebuilt, unless we were told to stop. */
async function catchUpOthers(
  opossum: Opossum,
  { details }: ProjectionRebuildResult,
  progress: Progress,
  signal: AbortSignal,
): Promise<readonly CaughtUp[]> {
  if (signal.aborted) return [];
  const rebuilt = new Set(details.map(({ projectionName }) => projectionName));
  const others = opossum.projections.names.filter((name) => !rebuilt.has(name));
  return await catchUp(opossum, others, progress, signal);
}

function toPlan(plan: readonly PlannedRebuild[]): CommandOutcome {
  return {
    exitCode: EXIT_OK,
    json: { projections: plan },
    text: formatTable(
      ["PROJECTION", "REBUILD", "REASON", "EVENTS"],
      plan.map(({ projectionName, rebuild, reason, events }) => [
        projectionName,
        rebuild ? "yes" : "no",
        reason,
        events,
      ]),
    ),
  };
}

function toOutcome(
  result: ProjectionRebuildResult,
  caughtUp: readonly CaughtUp[],
  signal: AbortSignal,
): CommandOutcome {
  const isDone = result.success && caughtUp.every(({ success }) => success);
  return {
    exitCode: isDone
      ? EXIT_OK
      : signal.aborted
      ? EXIT_INTERRUPTED
      : EXIT_FAILURE,
    json: { ...result, caughtUp },
    text: [
      ...result.details.map(describeDetail),
      ...caughtUp.map(describeCaughtUp),
      summarize(result, caughtUp),
    ].join("\n"),
  };
}

function describeDetail(detail: ProjectionRebuildDetail): string {
  const { projectionName, success, state, reason, errorMessage } = detail;
  if (!success) {
    return `${projectionName}: ${state}${
      errorMessage === null ? "" : `: ${errorMessage}`
    }`;
  }
  const { duration, eventsProcessed, documents } = detail;
  return `${projectionName}: rebuilt (${reason}) in ${
    formatDuration(duration)
  }, ${eventsProcessed} events applied, ${documents} documents`;
}

function describeCaughtUp(
  { projectionName, success, from, to, errorMessage }: CaughtUp,
): string {
  return success
    ? `${projectionName}: brought up to date from position ${from} to ${to}`
    : `${projectionName}: stands still at position ${to}: ${errorMessage}`;
}

function summarize(
  result: ProjectionRebuildResult,
  caughtUp: readonly CaughtUp[],
): string {
  const { details, totalRebuilt, duration, nothingToDo } = result;
  if (nothingToDo) {
    return caughtUp.length > 0
      ? "No projection needed a rebuild"
      : "All projections are up to date: nothing to rebuild";
  }
  return `${totalRebuilt} of ${details.length} projections rebuilt in ${
    formatDuration(duration)
  }`;
}
