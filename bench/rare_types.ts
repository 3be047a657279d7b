/**
 * What a projection that wants one event in a hundred costs, beside one that wants them all: both
 * count the events by student or course. Also one that wants all and does nothing with them, and
 * only parsing.
 *
 * `deno task bench:rare [STORE | --events N] [--runs R]`: rebuilds a copy of STORE, or of N seeded
 * events (1,000,000); medians of R runs (5), each in a process of its own.
 *
 * @module
 */
import type { FloorResult } from "./floor.ts";
import type { RebuildRunResult } from "./rebuild_run.ts";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { runMeasured } from "./support/child.ts";
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

const PARSE = "OnlyParsing";
const RARE = "CountsRare";
const ALL = "CountsAll";
const CASES = [RARE, ALL, "IgnoresAll", PARSE] as const;

type Result = Pick<RebuildRunResult, "duration" | "cpu" | "peakRssBytes"> & {
  readonly applied: number;
};

const projections = import.meta.resolve("./support/projections.ts");
const { store, events: wanted, runs } = readArguments({
  events: 1_000_000,
  runs: 5,
});
using source = await makeBenchStore({ store, events: wanted });
const { path, events } = source;

async function measure(name: string): Promise<Result> {
  if (name === PARSE) {
    const args = [path, "parse"];
    const result = await runMeasured<FloorResult>("bench/floor.ts", args);
    return { ...result, applied: 0 };
  }
  const options = JSON.stringify({ projections });
  const args = [path, options, name];
  const result = await runMeasured<RebuildRunResult>(
    "bench/rebuild_run.ts",
    args,
  );
  return { ...result, applied: result.eventsApplied[name] ?? 0 };
}

const results = await alternate(CASES, runs, async (name, run) => {
  const result = await measure(name);
  note(`${run + 1} of ${runs}, ${name}: ${duration(result.duration)}`);
  return result;
});

function medianOf(name: typeof CASES[number], key: keyof Result): number {
  return median((results.get(name) ?? []).map((result) => result[key]));
}

printHeading(
  `Rebuild of one projection over ${count(events)} events, medians of ${runs}`,
);
printTable(
  [
    "Projection",
    "Events applied",
    "Time",
    `To ${ALL}`,
    "To parsing",
    "CPU",
    "Peak RSS",
  ],
  CASES.map((name) => {
    const time = medianOf(name, "duration");
    return [
      name,
      count(medianOf(name, "applied")),
      duration(time),
      ratio(time, medianOf(ALL, "duration")),
      ratio(time, medianOf(PARSE, "duration")),
      duration(medianOf(name, "cpu")),
      mebibytes(medianOf(name, "peakRssBytes")),
    ];
  }),
);
const [rare, all] = [medianOf(RARE, "duration"), medianOf(ALL, "duration")];
print(`Wanting all takes ${ratio(all, rare)} times as long as wanting few.`);
