import { assertGreater } from "@std/assert";
import { allWorkloads, simulate } from "./crash/simulation.ts";

/** A sample: `deno task test:faults:crash` goes through all of it. */
const SCALE = {
  momentOneIn: 4,
  statesMax: 3,
  nestedOneIn: 40,
  nestedStatesMax: 1,
};

for (const workload of allWorkloads()) {
  Deno.test(`a power cut during ${workload.name} loses nothing that was acknowledged`, async () => {
    const counts = await simulate(workload, 1, SCALE);
    assertGreater(counts.states, 5);
  });
}
