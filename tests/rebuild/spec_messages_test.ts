/**
 * The messages that the specification names, each where it says.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { OpossumOptions, ProjectionDefinition } from "../../mod.ts";
import { MemoryLogger } from "../log/support.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const broken = countingProjection("Broken", {
  apply: () => {
    throw new RangeError("Out of cheese");
  },
});
const one = countingProjection("One");
const two = countingProjection("Two");

/** A store with events, and what it logs. */
async function open(
  path: string,
  definitions: readonly ProjectionDefinition[],
  options: Partial<OpossumOptions> = {},
) {
  const logger = new MemoryLogger();
  const opossum = openOverMemory(path, definitions, { logger, ...options });
  await opossum.events.append(counts(10));
  return { opossum, logger };
}

/** The only record whose message is so, durations left out. */
function only({ records }: MemoryLogger, level: string, message: string) {
  const found = records.filter((record) =>
    record.message.replace(/\d+ ms/, "N ms") === message
  );
  assertEquals(found.map(({ level }) => level), [level], message);
  const [record] = found;
  assert(record);
  return record;
}

/** Places of the messages that begin so, in the order they were logged. */
function order({ records }: MemoryLogger, ...beginnings: string[]): number[] {
  return beginnings.map((words) =>
    records.findIndex(({ message }) => message.startsWith(words))
  );
}

Deno.test('a rebuild says "Starting parallel rebuild of N projections with max N concurrent rebuilds"', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one, two], {
    maxConcurrentRebuilds: 3,
  });
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const { attributes } = only(
    logger,
    "info",
    "Starting parallel rebuild of 2 projections with max 3 concurrent rebuilds",
  );
  assertEquals(attributes, {
    operationId,
    trigger: "code",
    projections: ["One", "Two"],
  });
});

Deno.test("a rebuild says \"Rebuilding projection 'X'...\" as it begins each", async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one, two]);
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  for (const projection of ["One", "Two"]) {
    const message = `Rebuilding projection '${projection}'...`;
    assertEquals(only(logger, "info", message).attributes, {
      operationId,
      projection,
      reason: "absent",
      generation: 1,
      checkpoint: 0,
    });
  }
  const places = order(
    logger,
    "Starting",
    "Rebuilding projection 'One'",
    "Projection 'One' rebuilt",
    "All 2 projections rebuilt",
  );
  assertEquals(places, places.toSorted((a, b) => a - b));
});

Deno.test("a rebuild says \"Projection 'X' rebuilt successfully in N ms (N events)\"", async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one]);
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const { attributes: { durationMs, ...rest } } = only(
    logger,
    "info",
    "Projection 'One' rebuilt successfully in N ms (10 events)",
  );
  assertEquals(typeof durationMs, "number");
  assertEquals(rest, {
    operationId,
    projection: "One",
    state: "succeeded",
    reason: "absent",
    events: 10,
  });
});

Deno.test("a rebuild says \"Failed to rebuild projection 'X'\", and why", async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [broken, one]);
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const { attributes } = only(
    logger,
    "error",
    "Failed to rebuild projection 'Broken'",
  );
  assertEquals([attributes.operationId, attributes.projection], [
    operationId,
    "Broken",
  ]);
  assert(JSON.stringify(attributes.error).includes("Out of cheese"));
});

Deno.test('a rebuild says "All N projections rebuilt successfully in N ms"', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one, two]);
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const { attributes } = only(
    logger,
    "info",
    "All 2 projections rebuilt successfully in N ms",
  );
  assertEquals(attributes.operationId, operationId);
});

Deno.test('a rebuild says "Projection rebuild completed with errors. Success: N/N. Failed: X"', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [broken, one]);
  await using _ = opossum;
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const { attributes } = only(
    logger,
    "warn",
    "Projection rebuild completed with errors. Success: 1/2. Failed: Broken",
  );
  assertEquals([attributes.operationId, attributes.state], [
    operationId,
    "failed",
  ]);
});

Deno.test('the daemon says "Checking for projections that need rebuilding..." first, and "Successfully rebuilt N projections in N ms" last', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one, two]);
  await using _ = opossum;
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  only(logger, "info", "Checking for projections that need rebuilding...");
  const { attributes } = only(
    logger,
    "info",
    "Successfully rebuilt 2 projections in N ms",
  );
  const [newest] = await opossum.rebuilder.listOperations();
  assertEquals(attributes.operationId, newest?.id);
  const places = order(logger, "Checking", "Starting", "Successfully");
  assertEquals(places, places.toSorted((a, b) => a - b));
});

Deno.test('the daemon says "All projections are up to date (no rebuilds needed)" when they are', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [one]);
  await using _ = opossum;
  await opossum.rebuilder.rebuildAll();
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  only(
    logger,
    "info",
    "All projections are up to date (no rebuilds needed)",
  );
});

Deno.test('the daemon says "Projection rebuild completed with N successes and N failures. Failed projections: X"', async () => {
  using dir = new TempDir();
  const { opossum, logger } = await open(dir.path, [broken, one]);
  await using _ = opossum;
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  const { attributes } = only(
    logger,
    "warn",
    "Projection rebuild completed with 1 successes and 1 failures. " +
      "Failed projections: Broken",
  );
  const [newest] = await opossum.rebuilder.listOperations();
  assertEquals([attributes.operationId, attributes.state], [
    newest?.id,
    "failed",
  ]);
});
