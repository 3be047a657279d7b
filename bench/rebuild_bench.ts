/**
 * The spec's four cases: four projections over 10,000 events, rebuilt with 1, 2, 4 and 8 at once;
 * and a small log of 1,000 events, which should take less than 50 ms. Quote the ratios of one
 * run, not the times: machines differ.
 *
 * `deno task bench`
 *
 * @module
 */
import { seedStore } from "../examples/course_management/seeder.ts";
import { openOpossum, silentLogger } from "../mod.ts";
import { BenchFolder } from "./support/bench_store.ts";

const PROJECTIONS = import.meta.resolve(
  "../examples/course_management/projections.ts",
);

/** Seeds a store that is deleted when the process ends. */
async function seed(events: number): Promise<string> {
  const folder = new BenchFolder();
  globalThis.addEventListener("unload", () => folder[Symbol.dispose]());
  const { path } = folder;
  await using opossum = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  await seedStore(opossum.events, { events });
  return path;
}

/** One measured rebuild of everything in this process. */
async function rebuild(
  bench: Deno.BenchContext,
  path: string,
  maxConcurrentRebuilds: number,
): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    maxConcurrentRebuilds,
    startDaemon: false,
    logger: silentLogger,
  });
  bench.start();
  const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  bench.end();
  if (result.totalRebuilt !== 4) throw new Error("Not all were rebuilt");
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
