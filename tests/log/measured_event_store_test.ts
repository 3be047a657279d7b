import { assertEquals, assertRejects } from "@std/assert";
import {
  AppendConditionError,
  type EventStore,
  openOpossum,
  silentLogger,
} from "../../mod.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { measureEventStore } from "../../src/log/measured_event_store.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("appends and reads are measured, and conflicts counted", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.file("data"),
    logger: silentLogger,
    startDaemon: false,
  });
  await opossum.events.append([{ type: "A", data: 1 }, { type: "A", data: 2 }]);
  for await (const _ of opossum.events.read("all")) {
    /* counted by the span */
  }
  await assertRejects(
    () =>
      opossum.events.append([{ type: "A", data: 3 }], {
        condition: { failIfEventsMatch: "all", after: 1 },
      }),
    AppendConditionError,
  );
  const spans = otel.spans().map(({ name, attributes }) => [
    name,
    attributes["opossum.event.count"],
    attributes["opossum.position.last"],
  ]);
  assertEquals(spans, [
    ["opossum.append", 2, 2],
    ["opossum.read", 2, undefined],
    ["opossum.append", undefined, undefined],
  ]);
  const metrics = await otel.collect();
  const sum = (name: string) => metrics.get(name)?.dataPoints[0]?.value;
  assertEquals(sum("opossum.append.events"), 2);
  assertEquals(sum("opossum.append.conflicts"), 1);
});

Deno.test("appends and conflicts are counted from 0 on, so that rates see the first of them", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using _opossum = await openOpossum({
    path: dir.file("data"),
    logger: silentLogger,
    startDaemon: false,
  });
  const metrics = await otel.collect();
  const sum = (name: string) => metrics.get(name)?.dataPoints[0]?.value;
  assertEquals(sum("opossum.append.events"), 0);
  assertEquals(sum("opossum.append.conflicts"), 0);
});

Deno.test("append() that is refused or throws rejects, and its span ends, heard or not", async () => {
  const failing = new MemoryEventStore();
  failing.append = () => {
    throw new Error("at once");
  };
  const append = async (store: EventStore, events: unknown) => {
    // Called outside the promise: what is thrown here is not rejected.
    const appending = measureEventStore(store, createTelemetry())
      .append(events as []);
    const { name } = await assertRejects(() => appending, Error);
    return name;
  };
  const appendAll = async () => [
    await append(new MemoryEventStore(), undefined),
    await append(new MemoryEventStore(), null),
    await append(new MemoryEventStore(), [{}]),
    await append(failing, []),
  ];
  const names = ["TypeError", "TypeError", "TypeError", "Error"];
  assertEquals(await appendAll(), names);
  await using otel = registerOtel();
  assertEquals(await appendAll(), names);
  assertEquals(
    otel.spans().map(({ attributes }) => attributes["error.type"]),
    names,
  );
});
