/**
 * The spec's four cases: four projections over 10,000 events, rebuilt with 1, 2, 4 and 8 at once;
 * and a small log of 1,000 events, which should take less than 50 ms.
 *
 * `deno task bench`. It measures one case after the other and prints averages: to quote ratios,
 * take those of `rebuild_small.ts`, whose cases take turns.
 *
 * @module
 */
import {
  openSmallStore,
  rebuildSmallStore,
  seedSmallStore,
} from "./support/small_store.ts";

/** Seeds a store that is deleted when the process ends. */
async function seed(events: number): Promise<string> {
  const folder = await seedSmallStore(events);
  globalThis.addEventListener("unload", () => folder[Symbol.dispose]());
  return folder.path;
}

/** One measured rebuild of everything in this process. */
async function rebuild(
  bench: Deno.BenchContext,
  path: string,
  concurrency: number,
): Promise<void> {
  await using opossum = await openSmallStore(path, concurrency);
  bench.start();
  await rebuildSmallStore(opossum);
  bench.end();
}

// `async fn`: what merely returns a promise is not awaited by `deno bench`.
const tenThousand = await seed(10_000);
for (const concurrency of [1, 2, 4, 8]) {
  Deno.bench({
    name: `10,000 events, maxConcurrentRebuilds ${concurrency}`,
    group: "rebuild of 4 projections, 10,000 events",
    baseline: concurrency === 1,
    n: 20,
    warmup: 3,
    async fn(bench) {
      await rebuild(bench, tenThousand, concurrency);
    },
  });
}

const thousand = await seed(1_000);
for (const concurrency of [1, 4]) {
  Deno.bench({
    name: `1,000 events, maxConcurrentRebuilds ${concurrency}`,
    group: "rebuild of 4 projections, 1,000 events",
    baseline: concurrency === 1,
    n: 40,
    warmup: 5,
    async fn(bench) {
      await rebuild(bench, thousand, concurrency);
    },
  });
}
