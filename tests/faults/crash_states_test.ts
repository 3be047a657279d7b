import { assertGreater } from "@std/assert";
import { allWorkloads, simulate } from "./crash/simulation.ts";
import { simulateRepairs } from "./crash/repair.ts";
import { simulateSwaps } from "./crash/swap.ts";

/** A sample: `deno task test:faults:crash` goes through all of it. */
const SCALE = {
  momentOneIn: 4,
  statesMax: 3,
  nestedOneIn: 60,
  killedOneIn: 4,
  nestedMomentOneIn: 4,
  nestedStatesMax: 1,
};

for (const workload of allWorkloads()) {
  Deno.test(`a power cut during ${workload.name} loses nothing that was acknowledged`, async () => {
    const counts = await simulate(workload, 1, SCALE);
    assertGreater(counts.states, 5);
  });
}

Deno.test("a power cut during a swap leaves whole generations that are named right", async () => {
  const counts = await simulateSwaps(1, {
    momentOneIn: 1,
    statesMax: 6,
    openedOneIn: 40,
  });
  assertGreater(counts.opened, 0);
  assertGreater(counts.serving, 50);
});

Deno.test("a power cut during a repair leaves all that was there or all that it was to do, and after it what it said", async () => {
  const counts = await simulateRepairs(1, {
    momentOneIn: 1,
    statesMax: 3,
    openedOneIn: 30,
  });
  assertGreater(counts.opened, 0);
  assertGreater(counts.mended, 20);
  assertGreater(counts.states - counts.mended, 20);
});
