/**
 * Orders to one operation that another one feels: they share builds, or a pass over the log.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("cancelling the operation that held a queued build up lets it go on for another one", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const definitions = [countingProjection("One")];
  let id = "";
  {
    await using before = openOverMemory(dir.path, definitions, {}, log);
    ({ id } = await before.rebuilder.start(["One"]));
    await before.rebuilder.pause(id);
  }
  await using opossum = openOverMemory(dir.path, definitions, {}, log);
  const { rebuilder } = opossum;
  await rebuilder.resumeInterrupted();
  const joined = await rebuilder.start(["One"]);
  assertEquals(joined.state, "paused");
  assert(await rebuilder.cancel(id));
  assert((await rebuilder.wait(joined.id))?.success);
});

Deno.test("what is cancelled ends though what shares its pass is paused", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let onHead = () => Promise.resolve();
  const head = log.head.bind(log);
  log.head = async () => {
    await onHead();
    return await head();
  };
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  await using opossum = openOverMemory(dir.path, definitions, {}, log);
  const { rebuilder } = opossum;
  const both = await rebuilder.start(["One", "Two"]);
  // Its builds have begun, and wait here.
  onHead = async () => {
    reached.resolve();
    await goOn.promise;
  };
  await reached.promise;
  onHead = () => Promise.resolve();
  const shared = await rebuilder.start(["Two"]);
  await rebuilder.pause(shared.id);
  goOn.resolve();
  assert(await rebuilder.cancel(both.id));
  const ended = await rebuilder.getOperation(both.id);
  assertEquals(ended?.state, "cancelled");
  assertEquals((await rebuilder.getOperation(shared.id))?.state, "paused");
  await rebuilder.resume(shared.id);
  assert((await rebuilder.wait(shared.id))?.success);
  assertEquals((await opossum.projections.info("Two")).checkpoint, 10);
  assertEquals((await opossum.projections.info("One")).generation, null);
});

Deno.test("what was held up in another process that has ended is not rebuilt by a schedule", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  await using lasting = openOverMemory(dir.path, definitions, {}, log);
  let paused = "";
  let awaiting = "";
  {
    await using other = openOverMemory(dir.path, definitions, {}, log);
    const { rebuilder } = other;
    ({ id: paused } = await rebuilder.start(["One"]));
    await rebuilder.pause(paused);
    ({ id: awaiting } = await rebuilder.start(["Two"], { promote: "manual" }));
  }
  const { rebuilder, projections } = lasting;
  assertEquals(
    await rebuilder.startDue({ trigger: "schedule" }),
    undefined,
  );
  assertEquals((await rebuilder.getOperation(paused))?.state, "paused");
  const { resumedBy = "" } = await rebuilder.getOperation(awaiting) ?? {};
  const continued = await rebuilder.getOperation(resumedBy);
  assertEquals([continued?.promote, continued?.result], ["manual", null]);
  for (const { name } of definitions) {
    assertEquals((await projections.info(name)).generation, null);
  }
  assert(await rebuilder.resume(paused));
  assert((await rebuilder.wait(paused))?.success);
});

Deno.test("an interrupted build is gone when it is cancelled just before it is gone on with", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  const head = log.head.bind(log);
  /** Builds that begin wait from now on; returns when one does, and lets go of them. */
  const hold = () => {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    log.head = async () => {
      reached.resolve();
      await goOn.promise;
      return await head();
    };
    return {
      reached: reached.promise,
      release() {
        log.head = head;
        goOn.resolve();
      },
    };
  };
  {
    const first = openOverMemory(dir.path, definitions, {}, log);
    await first.rebuilder.rebuildAll();
    await first.rebuilder.start(["Two"]);
    const held = hold();
    await held.reached;
    const closed = first[Symbol.asyncDispose]();
    held.release();
    await closed;
  }
  await using second = openOverMemory(dir.path, definitions, {}, log);
  const { rebuilder } = second;
  const plan = async () =>
    (await rebuilder.plan(undefined)).map(({ reason }) => reason);
  assertEquals(await plan(), ["upToDate", "interrupted"]);
  const { id } = await rebuilder.start(["One", "Two"]);
  const held = hold();
  await held.reached;
  const cancelled = rebuilder.cancel(id);
  held.release();
  assert(await cancelled);
  assertEquals(await plan(), ["upToDate", "upToDate"]);
});

Deno.test("a promoted build that is cancelled while it is taken up again is gone, and stays so", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    log,
  );
  const { rebuilder, projections } = opossum;
  const awaiting = Promise.withResolvers<void>();
  using _watching = rebuilder.watch(({ progress }) => {
    if (progress[0]?.phase === "awaitingPromotion") awaiting.resolve();
  });
  const { id } = await rebuilder.start(["One"], { promote: "manual" });
  await awaiting.promise;
  const head = log.head.bind(log);
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  log.head = async () => {
    reached.resolve();
    await goOn.promise;
    return await head();
  };
  await rebuilder.promote(id);
  await reached.promise;
  const cancelled = rebuilder.cancel(id);
  log.head = head;
  goOn.resolve();
  assert(await cancelled);
  const operation = await rebuilder.getOperation(id);
  assertEquals(operation?.progress[0]?.phase, "cancelled");
  assertEquals(await projections.generations("One"), []);
  const files = [...Deno.readDirSync(dir.file("projections/One"))]
    .filter(({ name }) => name.includes(".sqlite"));
  assertEquals(files, []);
  assertEquals((await rebuilder.getRebuildStatus()).operationIds, []);
});
