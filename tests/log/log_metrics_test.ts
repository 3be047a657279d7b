import { assertEquals, assertRejects } from "@std/assert";
import type { Histogram } from "@opentelemetry/sdk-metrics";
import { silentLogger } from "../../mod.ts";
import {
  type FileEventStore,
  type FileEventStoreOptions,
  openFileEventStore,
} from "../../src/log/file_event_store.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { onlyPoint, registerOtel } from "../telemetry/otel_fixture.ts";

function open(
  path: string,
  options: Partial<FileEventStoreOptions> = {},
): Promise<FileEventStore> {
  return openFileEventStore({ path, logger: silentLogger, ...options });
}

const event = (size = 1) => ({ type: "A", data: "x".repeat(size) });

/** The sizes of all segments of a folder, in bytes, by what the system says. */
function bytesOf(path: string): number {
  return [...Deno.readDirSync(`${path}/events`)]
    .reduce(
      (sum, { name }) => sum + Deno.statSync(`${path}/events/${name}`).size,
      0,
    );
}

Deno.test("bytes is the size of all segments, and looks at each sealed one once", async () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  await using store = await open(dir.path, {
    fileSystem,
    segmentBytesMax: 2_000,
  });
  assertEquals([store.bytes, store.segmentCount], [0, 0]);
  for (let i = 0; i < 12; i++) {
    await store.append([event(900)]);
    assertEquals(store.bytes, bytesOf(dir.path));
  }
  assertEquals(store.segmentCount, 6);
  const statsOf = () =>
    fileSystem.operations.filter(({ kind }) => kind === "stat").length;
  const before = statsOf();
  assertEquals(store.bytes, bytesOf(dir.path));
  assertEquals(statsOf(), before);
});

Deno.test("bytes takes in what another process appended", async () => {
  using dir = new TempDir();
  const segmentBytesMax = 2_000;
  await using mine = await open(dir.path, { segmentBytesMax });
  await using other = await open(dir.path, { segmentBytesMax });
  await mine.append([event()]);
  for (let i = 0; i < 5; i++) await other.append([event(900)]);
  assertEquals(await mine.head(), 6);
  assertEquals(mine.bytes, bytesOf(dir.path));
  assertEquals(mine.segmentCount, other.segmentCount);
});

Deno.test("each sync is timed, and how many events it made durable is told", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const telemetry = createTelemetry();
  await using store = await open(dir.path, { telemetry });
  // Of the same turn of the event loop: they go together.
  await Promise.all([
    store.append([event(), event(), event()]),
    store.append([event(), event()]),
  ]);
  await store.append([event()]);
  const collected = await otel.collect();
  const of = (name: string) =>
    onlyPoint(collected.get(name)).value as Histogram;
  const { count, sum, min, max } = of("opossum.append.batch.size");
  assertEquals({ count, sum, min, max }, { count: 2, sum: 6, min: 1, max: 5 });
  assertEquals(of("opossum.log.sync.duration").count, 2);
});

Deno.test("a sync that fails is told by the class of its error, and nothing is counted as durable", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  const telemetry = createTelemetry();
  await using store = await open(dir.path, { fileSystem, telemetry });
  await store.append([event()]);
  fileSystem.inject({ kind: "sync", path: "events/", code: "EIO" });
  await assertRejects(() => store.append([event()]));
  const collected = await otel.collect();
  const points = collected.get("opossum.log.sync.duration")?.dataPoints ?? [];
  assertEquals(
    points.map(({ attributes, value }) => [
      attributes["error.type"],
      (value as Histogram).count,
    ]),
    [[undefined, 1], ["EIO", 1]],
  );
  const batches = onlyPoint(collected.get("opossum.append.batch.size"));
  assertEquals((batches.value as Histogram).count, 1);
});
