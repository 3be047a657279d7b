/**
 * Simulates power cuts until so many states were looked at, and prints how many of which kind.
 *
 * Of swaps of projections, and of repairs of their documents, which happen on a real disk, it looks
 * at a twentieth as many each.
 *
 * `OPOSSUM_TEST_STATES` says how many, `OPOSSUM_TEST_SEED` where to begin: each round has a seed
 * of its own. A failure names its round's seed; starting there repeats it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import type { Counts } from "./explore.ts";
import { allWorkloads, simulate } from "./simulation.ts";
import { simulateRepairs } from "./repair.ts";
import { simulateSwaps } from "./swap.ts";

const SCALE = {
  momentOneIn: 1,
  statesMax: 12,
  nestedOneIn: 30,
  killedOneIn: 3,
  nestedMomentOneIn: 1,
  nestedStatesMax: 2,
};

const statesMin = Number(Deno.env.get("OPOSSUM_TEST_STATES") ?? 100_000);
const firstSeed = Number(Deno.env.get("OPOSSUM_TEST_SEED") ?? 1);
const totals = new Map<string, Counts>();
const sum = (pick: (counts: Counts) => number) =>
  [...totals.values()].reduce((all, counts) => all + pick(counts), 0);
const statesOf = ({ states, nested, killed }: Counts) =>
  states + nested + killed;

const startMs = performance.now();
for (let seed = firstSeed; sum(statesOf) < statesMin; seed++) {
  for (const workload of allWorkloads()) {
    try {
      const counts = await simulate(workload, seed, SCALE);
      const before = totals.get(workload.name);
      for (const kind of ["moments", "states", "nested", "killed"] as const) {
        counts[kind] += before?.[kind] ?? 0;
      }
      totals.set(workload.name, counts);
    } catch (error) {
      console.error(`${workload.name}, OPOSSUM_TEST_SEED=${seed}`);
      throw error;
    }
  }
}
const seconds = (performance.now() - startMs) / 1_000;

console.log("workload                     moments   states   nested   killed");
for (const [name, { moments, states, nested, killed }] of totals) {
  const columns = [moments, states, nested, killed]
    .map((count) => String(count).padStart(9)).join("");
  console.log(name.padEnd(27) + columns);
}
const states = sum(statesOf);
console.log(
  `I1 to I4, I9 and appending again: ${states} states in ${
    seconds.toFixed(0)
  } s ` +
    `(${(states / seconds).toFixed(0)}/s): 0 wrong`,
);

const swapStartMs = performance.now();
const swaps = { states: 0, opened: 0, serving: 0 };
for (let seed = firstSeed; swaps.states < statesMin / 20; seed++) {
  const scale = { momentOneIn: 1, statesMax: 20, openedOneIn: 30 };
  const counts = await simulateSwaps(seed, scale);
  for (const kind of ["states", "opened", "serving"] as const) {
    swaps[kind] += counts[kind];
  }
}
const swapSeconds = (performance.now() - swapStartMs) / 1_000;
console.log(
  `I7 of swaps: ${swaps.states} states, ${swaps.serving} with a generation; ` +
    `I1 to I9 of ${swaps.opened} of them, in ${
      swapSeconds.toFixed(0)
    } s: 0 wrong`,
);

const repairStartMs = performance.now();
const repairs = { states: 0, mended: 0, opened: 0 };
for (let seed = firstSeed; repairs.states < statesMin / 20; seed++) {
  const scale = { momentOneIn: 1, statesMax: 20, openedOneIn: 30 };
  const counts = await simulateRepairs(seed, scale);
  for (const kind of ["states", "mended", "opened"] as const) {
    repairs[kind] += counts[kind];
  }
}
const repairSeconds = (performance.now() - repairStartMs) / 1_000;
console.log(
  `Repairs: ${repairs.states} states, ${repairs.mended} of them mended and the others as they ` +
    `were; ${repairs.opened} of them opened and repaired, I1 to I9, in ${
      repairSeconds.toFixed(0)
    } s: 0 wrong`,
);
