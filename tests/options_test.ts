import { assertEquals, assertThrows } from "@std/assert";
import { type OpossumOptions, resolveOptions } from "../src/options.ts";

Deno.test("resolveOptions() fills in the spec's defaults", () => {
  const options = resolveOptions({ path: "data" });
  assertEquals(options.enableAutoRebuild as unknown, true as unknown);
  assertEquals(options.maxConcurrentRebuilds, 4);
  assertEquals(options.pollingInterval, 5_000);
  assertEquals(options.batchSize, 1_000);
});

Deno.test("resolveOptions() takes every value in range", () => {
  for (const maxConcurrentRebuilds of [1, 2, 8, 16, 64]) {
    const options = resolveOptions({ path: "data", maxConcurrentRebuilds });
    assertEquals(options.maxConcurrentRebuilds, maxConcurrentRebuilds);
  }
  const auto = resolveOptions({ path: "data", maxConcurrentRebuilds: "auto" });
  assertEquals(
    auto.maxConcurrentRebuilds,
    Math.min(navigator.hardwareConcurrency, 64),
  );
});

Deno.test("resolveOptions() refuses what is out of range, naming option, range and value", () => {
  const table: [Partial<Record<keyof OpossumOptions, unknown>>, string][] = [
    [
      { maxConcurrentRebuilds: 0 },
      "'maxConcurrentRebuilds' must be an integer from 1 to 64, or \"auto\": current value is 0",
    ],
    [{ maxConcurrentRebuilds: -1 }, "current value is -1"],
    [{ maxConcurrentRebuilds: 1.5 }, "current value is 1.5"],
    [{ maxConcurrentRebuilds: NaN }, "current value is NaN"],
    [{ maxConcurrentRebuilds: 65 }, "current value is 65"],
    [{ maxConcurrentRebuilds: "many" }, 'current value is "many"'],
    [
      { pollingInterval: 99 },
      "'pollingInterval' must be an integer from 100 to 3600000: current value is 99",
    ],
    [{ pollingInterval: 3_600_001 }, "'pollingInterval'"],
    [
      { batchSize: 0 },
      "'batchSize' must be an integer from 1 to 100000: current value is 0",
    ],
    [{ rebuildMemoryBytesMax: 1 }, "'rebuildMemoryBytesMax'"],
    [{ rebuildCheckpointInterval: 0 }, "'rebuildCheckpointInterval'"],
    [{ rebuildQueueMax: 0 }, "'rebuildQueueMax' must be an integer from 1 to"],
    [{ rebuildQueueMax: 10_001 }, "'rebuildQueueMax'"],
    [{ segmentBytesMax: 1 }, "'segmentBytesMax'"],
    [
      { enableAutoRebuild: "yes" },
      '\'enableAutoRebuild\' must be true, false, "missing" or "force"',
    ],
    [{ startDaemon: 1 }, "'startDaemon'"],
    [
      { rebuildSchedule: "daily" },
      "'rebuildSchedule' must be a cron expression",
    ],
    [
      { scrubSchedule: "weekly" },
      "'scrubSchedule' must be a cron expression of five fields that is due some day",
    ],
    [{ scrubSchedule: "0 0 30 2 *" }, "'scrubSchedule'"],
    [{ scrubSchedule: ["0 2 * * *"] }, "'scrubSchedule'"],
    [{ projections: 7 }, "'projections'"],
    [{ path: "" }, "'path' must be the path of a folder"],
  ];
  for (const [given, message] of table) {
    const options = { path: "data", ...given } as unknown as OpossumOptions;
    assertThrows(() => resolveOptions(options), Error, message);
  }
});
