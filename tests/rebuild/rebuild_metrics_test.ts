/**
 * What metrics tell of a rebuild while it is under way, and afterwards.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { setImmediate } from "node:timers";
import { openOpossum, silentLogger } from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";
import { type OtelFixture, registerOtel } from "../telemetry/otel_fixture.ts";

/** The values of some metrics, of all projections together. */
async function valuesOf(
  otel: OtelFixture,
  ...names: readonly string[]
): Promise<readonly unknown[]> {
  const collected = await otel.collect();
  return names.map((name) =>
    collected.get(`opossum.rebuild.${name}`)?.dataPoints
      .reduce((sum, { value }) => sum + Number(value), 0)
  );
}

/** A rebuild over 50 events, in batches of 10, that asks before each batch. */
function open(path: string, onBatch: () => void | Promise<void>) {
  const events = new WatchedEventStore();
  events.onBatch = onBatch;
  const definitions = [countingProjection("One")];
  return openOverMemory(path, definitions, { batchSize: 10 }, events);
}

Deno.test("opossum.rebuild.events grows during a rebuild, and counts each event once", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const seen: unknown[] = [];
  await using opossum = open(dir.path, async () => {
    const [events, remaining, active] = await valuesOf(
      otel,
      "events",
      "remaining",
      "active",
    );
    seen.push([events, remaining, active]);
  });
  await opossum.events.append(counts(50));
  await opossum.rebuilder.rebuildAll();
  assertEquals(seen, [
    [0, 50, 1],
    [10, 40, 1],
    [20, 30, 1],
    [30, 20, 1],
    [40, 10, 1],
  ]);
  assertEquals(
    await valuesOf(otel, "events", "remaining", "active", "stalled"),
    [50, 0, 0, 0],
  );
  await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(await valuesOf(otel, "events"), [100]);
});

Deno.test("opossum.rebuild.remaining falls with each batch that is put aside, and is whole", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new WatchedEventStore();
  const texts = countingProjection("Texts", {
    key: ({ data }) => `k${data.by}`,
    apply: (_state, { data: { by } }) => {
      const text = "x".repeat(4_096);
      return Object.assign({ sum: by }, { text });
    },
  });
  const options = { batchSize: 31, rebuildMemoryBytesMax: 1_048_576 };
  await using opossum = openOverMemory(dir.path, [texts], options, events);
  await events.append(counts(600));
  const seen: number[] = [];
  events.onBatch = async () => {
    const [remaining] = await valuesOf(otel, "remaining");
    seen.push(Number(remaining));
  };
  await opossum.rebuilder.rebuildAll();
  assertEquals([seen.length, seen[0]], [20, 600]);
  assert(seen.every(Number.isInteger), seen.join(" "));
  for (let i = 1; i < seen.length; i++) {
    assertGreater(seen[i - 1] ?? 0, seen[i] ?? 0, seen.join(" "));
  }
  // More than the events to read: what was put aside is still to be folded.
  assertGreater(seen.at(-1) ?? 0, 30);
});

Deno.test("opossum.rebuild.events counts what failed and cancelled rebuilds applied", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const { promise: reading, resolve: begun } = Promise.withResolvers<void>();
  const { promise: gate, resolve: goOn } = Promise.withResolvers<void>();
  let batches = 0;
  await using opossum = open(dir.path, async () => {
    if (++batches < 3) return;
    begun();
    await gate;
  });
  await opossum.events.append(counts(50));
  const { id } = await opossum.rebuilder.start(["One"]);
  await reading;
  const cancelling = opossum.rebuilder.cancel(id);
  goOn();
  await cancelling;
  const result = await opossum.rebuilder.wait(id);
  assertEquals(result?.state, "cancelled");
  const [events] = await valuesOf(otel, "events");
  assertEquals(events, result?.details[0]?.eventsProcessed);
  assertGreater(Number(events), 0);
});

Deno.test("opossum.rebuild.bytes counts the generations that were swapped in", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = open(dir.path, () => {});
  await opossum.events.append(counts(50));
  await opossum.rebuilder.rebuildAll();
  const { bytes, generation } = await opossum.projections.info("One");
  assertEquals(generation, 1);
  assertEquals(await valuesOf(otel, "bytes"), [bytes]);
  await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(await valuesOf(otel, "bytes"), [2 * bytes]);
});

Deno.test("opossum.rebuild.workers counts the workers that scan, and their events are counted as they go", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: import.meta.resolve("./worker_fixtures/counting.ts"),
    logger: silentLogger,
    startDaemon: false,
  });
  const events = Array.from({ length: 24_000 }, (_, n) => ({
    type: "Counted",
    tags: [],
    data: { key: `k${n % 10}`, other: "k", n },
  }));
  for (let at = 0; at < events.length; at += 8_000) {
    await opossum.events.append(events.slice(at, at + 8_000));
  }
  const { id } = await opossum.rebuilder.start(["Sums"]);
  await opossum.rebuilder.pause(id);
  // Loaded, it waits: it is one worker's until it goes on.
  let workers: unknown;
  while (workers !== 1) {
    await new Promise((resolve) => setImmediate(resolve));
    [workers] = await valuesOf(otel, "workers");
  }
  await opossum.rebuilder.resume(id);
  const result = await opossum.rebuilder.wait(id);
  assert(result?.success);
  assertEquals(await valuesOf(otel, "workers", "events", "remaining"), [
    0,
    24_000,
    0,
  ]);
});

Deno.test("error.type of a rebuild is the name of a class, whatever an error calls itself", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = open(dir.path, () => {
    const error = new Error("No such student");
    error.name = "Student 4711 was not found";
    throw error;
  });
  await opossum.events.append(counts(50));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.details[0]?.error?.name, "Student 4711 was not found");
  const collected = await otel.collect();
  for (const name of ["failures", "duration"]) {
    const types = collected.get(`opossum.rebuild.${name}`)?.dataPoints
      .map(({ attributes }) => attributes["error.type"]);
    assertEquals([name, types], [name, ["_OTHER"]]);
  }
});
