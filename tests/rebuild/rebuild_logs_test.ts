/**
 * The log records of a rebuild find its trace, and its operation.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { MemoryLogger } from "../log/support.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";

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
