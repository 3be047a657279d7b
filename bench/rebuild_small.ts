/**
 * How long rebuilding the sample's four projections takes over small logs, with 1, 2, 4 and 8 at
 * once, beside the yardstick: in this process, with warm code, the cases taking turns.
 *
 * `deno task bench:small [--events N] [--runs R]`: 1,000 and N seeded events (10,000, the spec's
 * cases); medians of R runs (21), after three that do not count.
 *
 * @module
 */
import { measureFloor } from "./floor.ts";
import { readArguments } from "./support/arguments.ts";
import {
  count,
  duration,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import {
  openSmallStore,
  rebuildSmallStore,
  seedSmallStore,
} from "./support/small_store.ts";
import { alternate, median } from "./support/statistics.ts";

const YARDSTICK = "yardstick";
const WARM_UP = 3;
const CASES = [YARDSTICK, 1, 2, 4, 8] as const;

type Case = typeof CASES[number];

const { store, events: wanted, runs } = readArguments({
  events: 10_000,
  runs: 21,
});
if (store !== undefined) {
  throw new TypeError("Cannot measure a store that is there: use bench:large");
}

async function measureOnce(path: string, which: Case): Promise<number> {
  if (which === YARDSTICK) return measureFloor(path).duration;
  await using opossum = await openSmallStore(path, which);
  const startedMs = performance.now();
  await rebuildSmallStore(opossum);
  return performance.now() - startedMs;
}

for (const events of new Set([1_000, wanted])) {
  using folder = await seedSmallStore(events);
  const measure = (which: Case) => measureOnce(folder.path, which);
  await alternate(CASES, WARM_UP, measure);
  const results = await alternate(CASES, runs, measure);
  const medianOf = (which: Case) => median(results.get(which) ?? []);
  printHeading(
    `Rebuild of ${count(events)} events, four projections, medians of ${runs}`,
  );
  printTable(
    ["What", "Time", "Least", "To yardstick", "To 4 at once"],
    CASES.map((which) => [
      which === YARDSTICK ? which : `maxConcurrentRebuilds ${which}`,
      duration(medianOf(which)),
      duration(Math.min(...results.get(which) ?? [])),
      ratio(medianOf(which), medianOf(YARDSTICK)),
      ratio(medianOf(which), medianOf(4)),
    ]),
  );
}
