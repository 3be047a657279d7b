/**
 * How long rebuilding the sample's four projections takes over a large log: with 1, 2, 4 and 8 at
 * once, beside the yardstick (`floor.ts`: a plain loop) and beside only parsing the events.
 *
 * `deno task bench:large [STORE | --events N] [--runs R]`: measures a copy of STORE, or of N
 * seeded events (1,000,000); medians of R runs (5). Checks that every rebuild gave the
 * documents of the yardstick.
 *
 * @module
 */
import type { FloorResult } from "./floor.ts";
import type { RebuildRunResult } from "./rebuild_run.ts";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { runMeasured, runOpossum, type RunResult } from "./support/child.ts";
import {
  count,
  duration,
  mebibytes,
  note,
  print,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import { alternate, median } from "./support/statistics.ts";

const YARDSTICK = "yardstick";
const PARSE = "only parsing";
const CONCURRENCIES = [1, 2, 4, 8];

type Case = typeof YARDSTICK | typeof PARSE | number;

const { store, events: wanted, runs } = readArguments({
  events: 1_000_000,
  runs: 5,
});
using source = await makeBenchStore({ store, events: wanted });
const { path, events } = source;
const digests = new Map<Case, string>();

async function measure(which: Case, run: number): Promise<RunResult> {
  const result = await measureOnce(which);
  note(`${run + 1} of ${runs}, ${nameOf(which)}: ${duration(result.duration)}`);
  return result;
}

async function measureOnce(which: Case): Promise<RunResult> {
  if (typeof which === "number") {
    const options = JSON.stringify({ maxConcurrentRebuilds: which });
    const result = await runMeasured<RebuildRunResult>("bench/rebuild_run.ts", [
      path,
      options,
    ]);
    const { digest } = await runOpossum<{ digest: string }>("digest", path);
    checkDigest(which, digest);
    return result;
  }
  const mode = which === PARSE ? "parse" : "fold";
  const result = await runMeasured<FloorResult>("bench/floor.ts", [path, mode]);
  if (result.digest !== null) checkDigest(which, result.digest);
  return result;
}

function checkDigest(which: Case, digest: string): void {
  digests.set(which, digest);
  if (new Set(digests.values()).size === 1) return;
  const seen = [...digests].map(([name, value]) => `${nameOf(name)}: ${value}`);
  throw new Error(`The documents differ: ${seen.join(", ")}`);
}

function nameOf(which: Case): string {
  return typeof which === "number" ? `maxConcurrentRebuilds ${which}` : which;
}

const cases: Case[] = [YARDSTICK, PARSE, ...CONCURRENCIES];
const results = await alternate(cases, runs, measure);

function medianOf(which: Case, key: keyof RunResult): number {
  return median((results.get(which) ?? []).map((result) => result[key]));
}

function row(which: Case): string[] {
  const durations = (results.get(which) ?? []).map((result) => result.duration);
  const time = median(durations);
  return [
    nameOf(which),
    duration(time),
    `${duration(Math.min(...durations))} … ${duration(Math.max(...durations))}`,
    ratio(time, medianOf(YARDSTICK, "duration")),
    ratio(time, medianOf(PARSE, "duration")),
    count(events / time * 1_000),
    duration(medianOf(which, "cpu")),
    mebibytes(medianOf(which, "peakRssBytes")),
  ];
}

printHeading(
  `Rebuild of ${count(events)} events, four projections, medians of ${runs}`,
);
printTable(
  [
    "What",
    "Time",
    "min … max",
    "To yardstick",
    "To parsing",
    "Events/s",
    "CPU",
    "Peak RSS",
  ],
  cases.map(row),
);
const [one, four] = [medianOf(1, "duration"), medianOf(4, "duration")];
print(`1 at once takes ${ratio(one, four)} times as long as 4 at once.`);
print(`Every rebuild gave the documents of the yardstick: ${digests.get(4)}`);
