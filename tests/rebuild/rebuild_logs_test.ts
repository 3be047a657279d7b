/**
 * The log records of a rebuild find its trace, and its operation.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryLogger } from "../log/support.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { whenAwaiting } from "./generation_fixture.ts";
import { HeldEventStore, openHeld } from "./trace_fixture.ts";

const MESSAGES = [
  /^Starting parallel rebuild of 2/,
  /^Rebuilding projection 'One'/,
  /^Rebuilding projection 'Broken'/,
  /^Projection 'One' rebuilt/,
  /^Failed to rebuild projection 'Broken'/,
  /^Projection rebuild completed with errors/,
];

Deno.test("every record of a rebuild bears its operation and a span of its trace", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const logger = new MemoryLogger();
  const broken = countingProjection("Broken", {
    apply: () => {
      throw new RangeError("Out of cheese");
    },
  });
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One"), broken],
    { logger },
  );
  await opossum.events.append(counts(10));
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const root = otel.spans().find(({ name }) => name === "opossum.rebuild");
  const { traceId } = root?.spanContext() ?? {};
  assert(traceId !== undefined);
  const spanIds = otel.spans().map((span) => span.spanContext().spanId);
  for (const message of MESSAGES) {
    const [record, ...others] = logger.records.filter((record) =>
      message.test(record.message)
    );
    assertEquals(others, []);
    const { attributes = {} } = record ?? {};
    assertEquals(
      [attributes.operationId, attributes.traceId],
      [operationId, traceId],
      `${message}`,
    );
    assert(spanIds.includes(String(attributes.spanId)), `${message}`);
  }
  const failed = logger.records.find(({ message }) =>
    message.startsWith("Failed to rebuild")
  );
  // Whose code it was, and where.
  assertStringIncludes(
    String(failed?.attributes.stack),
    "rebuild_logs_test.ts",
  );
});

/** Messages from level info on, with what they are about, without those of what comes before. */
function toldAfter(logger: MemoryLogger, before: number, id: string) {
  return logger.records.slice(before).map(({ level, message, attributes }) => {
    assertEquals(attributes.operationId, id, message);
    return [level, message, attributes.projection ?? attributes.projections];
  });
}

Deno.test("a rebuild that is paused, and goes on, says so", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  const events = new HeldEventStore();
  await using opossum = openHeld(
    dir.path,
    [countingProjection("One"), countingProjection("Two")],
    events,
    { logger },
  );
  await events.append(counts(10));
  events.hold();
  const { id } = await opossum.rebuilder.start(["One", "Two"]);
  await events.reached;
  const before = logger.records.length;
  await opossum.rebuilder.pause(id);
  // Ordered twice, it is told once.
  await opossum.rebuilder.pause(id);
  await opossum.rebuilder.resume(id);
  const both = ["One", "Two"];
  assertEquals(toldAfter(logger, before, id), [
    ["info", "Rebuild is paused", both],
    ["info", "Rebuild goes on", both],
  ]);
  events.release();
  await opossum.rebuilder.wait(id);
});

Deno.test("a rebuild that does not move says so once, and when it moves again", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  const events = new HeldEventStore();
  const clock = new FakeClock();
  await using opossum = openHeld(
    dir.path,
    [countingProjection("One")],
    events,
    { clock, rebuildGoodNeighbour: false, logger },
  );
  await events.append(counts(10));
  // Its second and its fourth batch wait.
  const gates = [2, 4].map((batch) => ({
    batch,
    reached: Promise.withResolvers<void>(),
    release: Promise.withResolvers<void>(),
  }));
  let batches = 0;
  events.onBatch = async () => {
    batches++;
    const gate = gates.find(({ batch }) => batch === batches);
    gate?.reached.resolve();
    await gate?.release.promise;
  };
  const { id } = await opossum.rebuilder.start(["One"]);
  await gates[0]?.reached.promise;
  const before = logger.records.length;
  await clock.advance(60_000);
  const stalled = [
    "warn",
    "Rebuild of projection 'One' has not moved for 10 seconds",
    "One",
  ];
  assertEquals(toldAfter(logger, before, id), [stalled]);
  gates[0]?.release.resolve();
  await gates[1]?.reached.promise;
  await clock.advance(5_000);
  assertEquals(toldAfter(logger, before, id), [
    stalled,
    ["info", "Rebuild of projection 'One' moves again", "One"],
  ]);
  gates[1]?.release.resolve();
  await opossum.rebuilder.wait(id);
  // Nobody looks any more.
  assertEquals(clock.sleeping, 0);
});

Deno.test("nobody watches a rebuild of which nobody hears", async () => {
  using dir = new TempDir();
  const events = new HeldEventStore();
  const clock = new FakeClock();
  await using opossum = openHeld(
    dir.path,
    [countingProjection("One")],
    events,
    { clock, rebuildGoodNeighbour: false },
  );
  await events.append(counts(10));
  events.hold();
  const { id } = await opossum.rebuilder.start(["One"]);
  await events.reached;
  assertEquals(clock.sleeping, 0);
  events.release();
  await opossum.rebuilder.wait(id);
});

Deno.test("a build that waits to be promoted says so", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")], {
    enableAutoRebuild: false,
    logger,
  });
  await opossum.events.append(counts(10));
  const { id } = await opossum.rebuilder.start(["One"], { promote: "manual" });
  await whenAwaiting(opossum, id);
  const record = logger.records.at(-1);
  assertEquals(
    [record?.message, record?.attributes.operationId],
    ["Projection 'One' is built and waits to be promoted", id],
  );
  await opossum.rebuilder.cancel(id);
});

Deno.test("what is only held back is not told to be up to date, whoever asks", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  const events = new MemoryEventStore();
  await events.append(counts(3));
  const definitions = [1, 2].map((version) => [
    countingProjection("One", { version }),
    countingProjection("Two"),
  ]);
  for (const some of definitions) {
    await using opossum = openOverMemory(dir.path, some, { logger }, events);
    await opossum.rebuilder.rebuildAll();
  }
  await using opossum = openOverMemory(
    dir.path,
    definitions[1] ?? [],
    { logger, startDaemon: false },
    events,
  );
  const saysAfter = async (action: () => Promise<unknown>) => {
    const before = logger.records.length;
    await action();
    return logger.records.slice(before)
      .filter(({ message }) => /up to date/.test(message))
      .map(({ message, attributes }) => [message, attributes?.projections]);
  };
  const upToDate = [
    "All projections are up to date (no rebuilds needed)",
    undefined,
  ];
  const asks = () => opossum.rebuilder.rebuildAll();
  const starts = () => opossum.rebuilder.startDue({ trigger: "startup" });
  assertEquals(await saysAfter(asks), [upToDate]);
  assertEquals(await saysAfter(starts), [upToDate]);
  await opossum.rebuilder.rollback("One");
  const heldBack = [
    "No projection is rebuilt: those that are not up to date are held back",
    ["One"],
  ];
  assertEquals(await saysAfter(asks), [heldBack]);
  assertEquals(await saysAfter(starts), [heldBack]);
});
