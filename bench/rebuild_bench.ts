/**
 * The spec's four cases: four projections over 10,000 events, rebuilt with 1, 2, 4 and 8 at once.
 * Quote the ratios of one run, not the times: machines differ.
 *
 * @module
 */
import { openOpossum, silentLogger } from "../mod.ts";
import { seedStore } from "../examples/course_management/seeder.ts";

const EVENTS = 10_000;
const PROJECTIONS = import.meta.resolve(
  "../examples/course_management/projections.ts",
);

/** Seeds a store that is deleted when the process ends. */
async function makeStore(): Promise<string> {
  const path = Deno.makeTempDirSync({ prefix: "opossum_bench_" });
  globalThis.addEventListener(
    "unload",
    () => Deno.removeSync(path, { recursive: true }),
  );
  await using opossum = await openOpossum({
    path,
    startDaemon: false,
    logger: silentLogger,
  });
  await seedStore(opossum.events, { events: EVENTS });
  return path;
}

const path = await makeStore();

for (const concurrency of [1, 2, 4, 8]) {
  Deno.bench({
    name: `maxConcurrentRebuilds ${concurrency}`,
    group: "rebuild of 4 projections, 10,000 events",
    baseline: concurrency === 1,
    n: 10,
    warmup: 2,
    async fn(bench) {
      await using opossum = await openOpossum({
        path,
        projections: PROJECTIONS,
        maxConcurrentRebuilds: concurrency,
        startDaemon: false,
        logger: silentLogger,
      });
      bench.start();
      const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
      bench.end();
      if (result.totalRebuilt !== 4) throw new Error("Not all were rebuilt");
    },
  });
}
