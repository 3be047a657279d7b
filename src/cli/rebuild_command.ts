/**
 * `rebuild [NAME…]`: rebuilds projections and shows how far each is.
 *
 * @module
 */
import process from "node:process";
import { MultiBar, type SingleBar } from "cli-progress";
import type { ProjectionRebuildResult } from "../rebuild/operation.ts";
import {
  type Command,
  type CommandContext,
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_OK,
  writeJson,
} from "./command.ts";

/** How often the bars move, in milliseconds. */
const REFRESH_MS = 100;

/** Rebuilds projections. */
export const rebuildCommand: Command = {
  usage: "[NAME…]",
  summary: "Rebuilds what needs it, the projections named, or with --force all",
  needsProjections: true,
  createsStore: false,
  operands: { min: 0, max: Infinity },
  async run(context) {
    const { opossum, io, options, operands } = context;
    const { force: forceRebuild, concurrency } = options;
    const asked = {
      forceRebuild,
      trigger: "cli" as const,
      signal: io.signal,
      ...(concurrency === undefined ? {} : { concurrency }),
    };
    const watching = new AbortController();
    const rebuilding = operands.length > 0
      ? opossum.rebuilder.rebuild(operands, asked)
      : opossum.rebuilder.rebuildAll(asked);
    const watched = io.isTerminal && !options.json
      ? watch(context, watching.signal)
      : Promise.resolve();
    let result: ProjectionRebuildResult;
    try {
      result = await rebuilding;
    } finally {
      watching.abort();
      await watched;
    }
    if (options.json) await writeJson(io, result);
    else describe(context, result);
    if (result.state === "cancelled") return EXIT_INTERRUPTED;
    return result.success ? EXIT_OK : EXIT_FAILURE;
  },
};

/** A bar a projection, until the signal aborts. */
async function watch(
  { opossum }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  const bars = new Map<string, SingleBar>();
  const screen = new MultiBar({
    format: "{name} {bar} {percentage}% | {phase} | {rate} events/s",
    stream: process.stderr,
    hideCursor: true,
  });
  while (!signal.aborted) {
    const { progress } = await opossum.rebuilder.getRebuildStatus();
    for (
      const { projectionName, target, position, phase, eventsPerSecond }
        of progress
    ) {
      const payload = {
        name: projectionName.padEnd(24),
        phase,
        rate: eventsPerSecond ?? "-",
      };
      const bar = bars.get(projectionName) ?? screen.create(target, 0, payload);
      bars.set(projectionName, bar);
      bar.setTotal(Math.max(target, 1));
      bar.update(position, payload);
    }
    await opossum.options.clock.sleep(REFRESH_MS, signal);
  }
  for (const bar of bars.values()) {
    bar.update(bar.getTotal(), { phase: "done" });
  }
  screen.stop();
}

function describe(
  { io }: CommandContext,
  result: ProjectionRebuildResult,
): void {
  if (result.nothingToDo) {
    io.report("All projections are up to date (no rebuilds needed)");
  }
  for (const detail of result.details) {
    const {
      projectionName,
      success,
      duration,
      eventsProcessed,
      documents,
      state,
    } = detail;
    io.report(
      success
        ? `${projectionName}: rebuilt in ${Math.round(duration)} ms ` +
          `(${eventsProcessed} events, ${documents} documents)`
        : `${projectionName}: ${state}: ${detail.errorMessage}`,
    );
  }
}
