/**
 * Rebuilds projections once and prints what it took, as one JSON line: run it in a process of its
 * own, so that neither memory nor compiled code is left from another run.
 *
 * `deno run --allow-read --allow-write --allow-env --allow-sys bench/rebuild_run.ts STORE
 * '{"maxConcurrentRebuilds":4}' [NAME…]`: the options of `openOpossum()`, and which projections;
 * all of the sample's unless told.
 *
 * @module
 */
import process from "node:process";
import { openOpossum, type OpossumOptions, silentLogger } from "../mod.ts";
import type { RunResult } from "./support/child.ts";

/** What one run took; durations are without opening the store. */
export interface RebuildRunResult extends RunResult {
  /** Duration of opening the store, in milliseconds. */
  readonly openDuration: number;
  /** Duration of each projection, in milliseconds. */
  readonly durations: Readonly<Record<string, number>>;
  /** Events that each projection applied. */
  readonly eventsApplied: Readonly<Record<string, number>>;
}

const PROJECTIONS = import.meta.resolve(
  "../examples/course_management/projections.ts",
);

/**
 * Opens a store and rebuilds once.
 *
 * @param path The data folder.
 * @param options The options to open it with.
 * @param names What to rebuild; empty for all.
 * @returns What it took.
 */
export async function runRebuild(
  path: string,
  options: Partial<OpossumOptions>,
  names: readonly string[],
): Promise<RebuildRunResult> {
  const openedMs = performance.now();
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    startDaemon: false,
    logger: silentLogger,
    ...options,
  });
  const { rebuilder } = opossum;
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const { success, details } = names.length === 0
    ? await rebuilder.rebuildAll({ forceRebuild: true })
    : await rebuilder.rebuild(names);
  const duration = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (!success) throw new Error(JSON.stringify(details));
  return {
    duration,
    openDuration: startedMs - openedMs,
    cpu: (user + system) / 1_000,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    durations: Object.fromEntries(
      details.map(({ projectionName, duration }) => [projectionName, duration]),
    ),
    eventsApplied: Object.fromEntries(
      details.map((
        { projectionName, eventsProcessed },
      ) => [projectionName, eventsProcessed]),
    ),
  };
}

if (import.meta.main) {
  const [path, options = "{}", ...names] = Deno.args;
  if (path === undefined) throw new Error("Which store?");
  // deno-lint-ignore no-console -- its only output
  console.log(
    JSON.stringify(await runRebuild(path, JSON.parse(options), names)),
  );
}
