/**
 * What more cores than this machine has would give a rebuild: projected, not measured. It rebuilds
 * each of the sample's projections alone, and one that does nothing (what remains is the scan),
 * and simulates how they would share 1, 2, 4 and 8 cores (`support/simulation.ts`).
 *
 * `deno task bench:cores [STORE | --events N] [--runs R]`: on a copy of STORE, or of N seeded
 * events (1,000,000); medians of R runs (3), each in a process of its own.
 *
 * @module
 */
import type { RebuildRunResult } from "./rebuild_run.ts";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { runMeasured } from "./support/child.ts";
import {
  count,
  duration,
  note,
  print,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import { type MeasuredPart, simulate } from "./support/simulation.ts";
import { alternate, median } from "./support/statistics.ts";

const SCAN = "IgnoresAll";
const TOGETHER = "all four at once";
const NAMES = [
  "CourseDetails",
  "CourseShortInfo",
  "StudentDetails",
  "StudentShortInfo",
];
const CORES = [1, 2, 4, 8];

const METHOD =
  `Method: a worker's time is one scan of the log and, for each of its
projections, what that one took alone less the scan. Projections go, longest first, to the
worker that has least to do; there are as many workers as cores, at most one a projection.
Never less than all time on processors divided by the cores. Left out: starting workers,
disk and memory that cores share, and anything an engine does to split one projection.
`;

const doNothing = import.meta.resolve("./support/projections.ts");
const { store, events: wanted, runs } = readArguments({
  events: 1_000_000,
  runs: 3,
});
using source = await makeBenchStore({ store, events: wanted });
const { path, events } = source;

async function measure(name: string): Promise<RebuildRunResult> {
  const options = name === SCAN ? { projections: doNothing } : {};
  const names = name === TOGETHER ? [] : [name];
  const args = [path, JSON.stringify(options), ...names];
  return await runMeasured<RebuildRunResult>("bench/rebuild_run.ts", args);
}

const cases = [SCAN, ...NAMES, TOGETHER];
const results = await alternate(cases, runs, async (name, run) => {
  const result = await measure(name);
  note(`${run + 1} of ${runs}, ${name}: ${duration(result.duration)}`);
  return result;
});

function partOf(name: string): MeasuredPart {
  const measured = results.get(name) ?? [];
  return {
    name,
    duration: median(measured.map((result) => result.duration)),
    cpu: median(measured.map((result) => result.cpu)),
  };
}

const scan = partOf(SCAN);
const parts = NAMES.map(partOf);

printHeading(
  `Projected: rebuild of ${
    count(events)
  } events on more cores, medians of ${runs}`,
);
print(METHOD);
printTable(
  ["Measured alone", "Time", "CPU", "CPU to time", "Less the scan"],
  [scan, ...parts].map((part) => [
    part === scan ? "the scan" : part.name,
    duration(part.duration),
    duration(part.cpu),
    ratio(part.cpu, part.duration),
    duration(Math.max(part.duration - scan.duration, 0)),
  ]),
);

function printProjected(what: string, projected: readonly MeasuredPart[]) {
  const oneByOne = projected.reduce((sum, part) => sum + part.duration, 0);
  const simulations = CORES.map((cores) => simulate(projected, scan, cores));
  const one = simulations[0]?.duration ?? 0;
  printTable(
    [
      `${what} (one after the other: ${duration(oneByOne)})`,
      "Projected",
      "Gain on one by one",
      "Gain on one core",
      "Bound by",
    ],
    simulations.map((simulation, index) => [
      `cores: ${CORES[index]}, workers: ${simulation.workers.length}`,
      duration(simulation.duration),
      ratio(oneByOne, simulation.duration),
      ratio(one, simulation.duration),
      simulation.isBoundByCores ? "cores" : "longest worker",
    ]),
  );
}

printProjected("The four", parts);
printProjected("Each of them twice", [...parts, ...parts]);

const here = navigator.hardwareConcurrency;
const together = partOf(TOGETHER).duration;
print(
  `Check: ${TOGETHER} took ${duration(together)} on the ${here} cores here.`,
);
for (const cores of new Set([1, here])) {
  const projected = simulate(parts, scan, cores).duration;
  print(
    `That is ${ratio(together, projected)} times what is projected for ` +
      `${cores} of them: ${duration(projected)}.`,
  );
}
