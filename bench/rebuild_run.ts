/**
 * Rebuilds the sample's projections once and prints what it took, as one JSON line: run it in a
 * process of its own, so that neither memory nor compiled code is left from another run.
 *
 * `deno run --allow-read --allow-write --allow-env --allow-sys bench/rebuild_run.ts STORE
 * '{"maxConcurrentRebuilds":4}'`
 *
 * @module
 */
import process from "node:process";
import { openOpossum, type OpossumOptions, silentLogger } from "../mod.ts";

/** What one run took. */
interface RebuildRunResult {
  /** Duration of the rebuild without opening the store, in milliseconds. */
  readonly duration: number;
  /** Duration of opening the store, in milliseconds. */
  readonly openDuration: number;
  /** Highest resident memory of the process, in bytes. */
  readonly peakRssBytes: number;
  /** Duration of each projection, in milliseconds. */
  readonly durations: Readonly<Record<string, number>>;
}

const PROJECTIONS = import.meta.resolve(
  "../examples/course_management/projections.ts",
);

async function run(
  path: string,
  options: Partial<OpossumOptions>,
): Promise<RebuildRunResult> {
  const openedMs = performance.now();
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    startDaemon: false,
    logger: silentLogger,
    ...options,
  });
  const startedMs = performance.now();
  const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  const duration = performance.now() - startedMs;
  if (!result.success) throw new Error(JSON.stringify(result.details));
  return {
    duration,
    openDuration: startedMs - openedMs,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    durations: Object.fromEntries(
      result.details.map((detail) => [detail.projectionName, detail.duration]),
    ),
  };
}

if (import.meta.main) {
  const [path, options = "{}"] = Deno.args;
  if (path === undefined) throw new Error("Which store?");
  // deno-lint-ignore no-console -- its only output
  console.log(JSON.stringify(await run(path, JSON.parse(options))));
}
