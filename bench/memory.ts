/**
 * How much memory a rebuild takes under different budgets for documents, and what a tighter budget
 * costs.
 *
 * `deno task bench:memory [STORE | --events N] [--runs R]`: rebuilds a copy of STORE, or of N
 * seeded events (1,000,000); medians of R runs (3), each in a process of its own, the yardstick
 * between them. Ends with the budget that takes several times as long as the largest.
 *
 * @module
 */
import type { FloorResult } from "./floor.ts";
import type { RebuildRunResult } from "./rebuild_run.ts";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { runMeasured, type RunResult } from "./support/child.ts";
import {
  count,
  duration,
  mebibytes,
  note,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import { median } from "./support/statistics.ts";

const MiB = 1_048_576;
const BUDGETS_MIB = [1_024, 512, 256, 128, 64, 32, 16];
/** Tighter budgets than one that takes so many times as long are not tried: it gets worse. */
const SLOWDOWN_MAX = 4;

const { store, events: wanted, runs } = readArguments({
  events: 1_000_000,
  runs: 3,
});
using source = await makeBenchStore({ store, events: wanted });
const { path, events } = source;

/** Medians of several runs. */
interface Medians {
  readonly name: string;
  readonly time: number;
  readonly rss: number;
}

function mediansOf(name: string, results: readonly RunResult[]): Medians {
  return {
    name,
    time: median(results.map((result) => result.duration)),
    rss: median(results.map((result) => result.peakRssBytes)),
  };
}

const yardsticks: RunResult[] = [];

async function measure(budgetMiB: number): Promise<Medians> {
  const name = `budget ${count(budgetMiB)} MiB`;
  const options = JSON.stringify({ rebuildMemoryBytesMax: budgetMiB * MiB });
  const results: RebuildRunResult[] = [];
  for (let run = 0; run < runs; run++) {
    yardsticks.push(await runMeasured<FloorResult>("bench/floor.ts", [path]));
    const result = await runMeasured<RebuildRunResult>("bench/rebuild_run.ts", [
      path,
      options,
    ]);
    results.push(result);
    note(`${name}, ${run + 1} of ${runs}: ${duration(result.duration)}`);
  }
  return mediansOf(name, results);
}

const largest = await measure(BUDGETS_MIB[0] ?? 0);
const measured = [largest];
for (const budgetMiB of BUDGETS_MIB.slice(1)) {
  const { time } = measured.at(-1) ?? largest;
  if (time > largest.time * SLOWDOWN_MAX) break;
  measured.push(await measure(budgetMiB));
}
const yardstick = mediansOf("yardstick, no bound", yardsticks);

printHeading(
  `Memory of a rebuild of ${
    count(events)
  } events, four projections, medians of ${runs}`,
);
printTable(
  [
    "Budget for documents",
    "Peak RSS",
    "To yardstick",
    "Time",
    `To ${largest.name}`,
    "Per event",
  ],
  [yardstick, ...measured].map(({ name, time, rss }) => [
    name,
    mebibytes(rss),
    ratio(rss, yardstick.rss),
    duration(time),
    ratio(time, largest.time),
    `${(time / events * 1_000).toFixed(2)} µs`,
  ]),
);
