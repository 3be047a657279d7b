import { assert, assertEquals, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import {
  type EventStore,
  LogCorruptionError,
  ProjectionNotBuiltError,
  ProjectionRollbackError,
  PromotionRefusedError,
  RebuildConflictError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  AWAIT,
  documentsOf,
  files,
  OFF,
  openOne,
  QUIET,
  roles,
  served,
  SUMS,
  whenAwaiting,
} from "./generation_fixture.ts";

Deno.test("promote: a build waits for an operator, the old generation serves and is kept up to date meanwhile", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  await using opossum = openOne(dir, SUMS, events);
  const { rebuilder, projections, daemon } = opossum;
  await daemon.start();
  const { id } = await rebuilder.start(["One"], { ...AWAIT, verify: true });
  const waiting = await whenAwaiting(opossum, id);
  assertEquals([waiting.state, waiting.result, waiting.promotedAt], [
    "running",
    null,
    null,
  ]);
  assertEquals(waiting.progress[0]?.comparison?.unchanged, 3);
  assertEquals(await roles(opossum), ["1 current", "2 awaitingPromotion"]);
  const { last } = await events.append(counts(5));
  await projections.waitFor(last);
  const before = await documentsOf(opossum);
  assertEquals((await projections.info("One")).generation, 1);
  const promoted = await rebuilder.promote(id);
  assert(promoted?.promotedAt);
  const result = await rebuilder.wait(id);
  assert(result?.success);
  assertEquals(result.details[0]?.checkpoint, last);
  assertEquals(result.details[0]?.eventsProcessed, 14);
  assertEquals(result.details[0]?.comparison?.checkpoint, 9);
  assertEquals(await documentsOf(opossum), before);
  assertEquals(await roles(opossum), ["1 previous", "2 current"]);
  // The operation is over by now.
  assertEquals(await rebuilder.promote(id), undefined);
  await events.append(counts(1));
  await projections.waitFor(last + 1);
});

Deno.test("promote: who waits takes no place from others", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  const options = { ...QUIET, maxConcurrentRebuilds: 1 };
  await using opossum = openOverMemory(dir.path, definitions, options);
  const { rebuilder } = opossum;
  await opossum.events.append(counts(9));
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  assert(!(await rebuilder.getRebuildStatus()).isRebuilding);
  assert((await rebuilder.rebuild("Two")).success);
  // Promoted, it waits for its turn again.
  const held = await rebuilder.start(["Two"]);
  await rebuilder.pause(held.id);
  await rebuilder.promote(id);
  const { queuedProjections } = await rebuilder.getRebuildStatus();
  assertEquals(queuedProjections, ["One"]);
  await rebuilder.resume(held.id);
  assert((await rebuilder.wait(id))?.success);
  assert((await rebuilder.wait(held.id))?.success);
});

Deno.test("promote: several are promoted together, and only when all of them wait", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  await using opossum = openOverMemory(dir.path, definitions, QUIET);
  const { rebuilder, events } = opossum;
  await events.append(counts(9));
  const { id } = await rebuilder.start(["One", "Two"], {
    ...AWAIT,
    concurrency: 1,
  });
  const phases = async () =>
    (await rebuilder.getOperation(id))?.progress.map(({ phase }) => phase) ??
      [];
  while (!(await phases()).includes("awaitingPromotion")) await setImmediate();
  // The other one gets its place only now, and is held wherever it is.
  await rebuilder.pause(id);
  const error = await assertRejects(
    () => rebuilder.promote(id),
    PromotionRefusedError,
  );
  assertEquals(error.projectionNames, ["Two"]);
  await rebuilder.resume(id);
  await whenAwaiting(opossum, id);
  await rebuilder.promote(id);
  assertEquals((await rebuilder.wait(id))?.totalRebuilt, 2);
});

Deno.test("promote() refuses what does not wait for it, and knows what is unknown", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  await using opossum = openOne(dir, SUMS, events);
  const { rebuilder } = opossum;
  assertEquals(await rebuilder.promote("0".repeat(32)), undefined);
  const { id } = await rebuilder.start(["One"]);
  await rebuilder.pause(id);
  await assertRejects(() => rebuilder.promote(id), PromotionRefusedError);
  await rebuilder.resume(id);
  await rebuilder.wait(id);
  await assertRejects(
    () => rebuilder.rebuild("One", { promote: "sometimes" as "manual" }),
    RangeError,
    `'promote' must be "automatic" or "manual"`,
  );
});

Deno.test("cancel() discards a build that waits to be promoted", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  await using opossum = openOne(dir, SUMS, events);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  assert(await rebuilder.cancel(id));
  assertEquals((await rebuilder.wait(id))?.state, "cancelled");
  assertEquals(files(dir), ["000001.sqlite"]);
  assert((await rebuilder.rebuild("One")).success);
});

Deno.test("cancel() discards a promoted build that waits for a place", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  const options = { ...QUIET, maxConcurrentRebuilds: 1 };
  await using opossum = openOverMemory(dir.path, definitions, options);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  const held = await rebuilder.start(["Two"]);
  await rebuilder.pause(held.id);
  await rebuilder.promote(id);
  assert(await rebuilder.cancel(id));
  assertEquals((await rebuilder.wait(id))?.state, "cancelled");
  assertEquals(files(dir), []);
  await rebuilder.cancel(held.id);
});

Deno.test("while a build waits, others neither join it nor go past it", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  await using opossum = openOne(dir, OFF, events);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  assert((await rebuilder.rebuildAll()).nothingToDo);
  for (const options of [{}, AWAIT]) {
    const { details: [detail] } = await rebuilder.rebuild("One", options);
    assertEquals([detail?.success, detail?.error?.name], [
      false,
      "RebuildConflictError",
    ]);
  }
  const error = await assertRejects(
    () => rebuilder.rebuild("One", { whenRunning: "reject" }),
    RebuildConflictError,
  );
  assertEquals(error.operationId, id);
  const refused = await assertRejects(
    () => rebuilder.rollback("One"),
    ProjectionRollbackError,
  );
  assertEquals(refused.operationId, id);
  // Another process sees that it waits, too, and leaves it alone.
  await using other = openOne(dir, OFF, events, {});
  await other.daemon.start();
  await other.daemon.whenStarted();
  assertEquals(await roles(other), ["1 current", "2 awaitingPromotion"]);
  const [plan] = await other.rebuilder.plan(undefined);
  assertEquals(plan?.reason, "awaitingPromotion");
  assertEquals(await other.rebuilder.promote(id), undefined);
  await rebuilder.promote(id);
  assert((await rebuilder.wait(id))?.success);
});

Deno.test("a projection that was never built is absent until its build is promoted", async () => {
  using dir = new TempDir();
  await using opossum = openOne(dir, SUMS, new MemoryEventStore());
  const { rebuilder, projections, events } = opossum;
  await events.append(counts(3));
  const options = { ...AWAIT, verify: true };
  const { id } = await rebuilder.start(["One"], options);
  const { progress } = await whenAwaiting(opossum, id);
  assertEquals(progress[0]?.comparison, null);
  await assertRejects(() => projections.list("One"), ProjectionNotBuiltError);
  await rebuilder.promote(id);
  assert((await rebuilder.wait(id))?.success);
  assertEquals((await projections.list("One")).documents.length, 3);
});

/** A log that turns out to be damaged. */
class DamagedStore extends MemoryEventStore implements EventStore {
  damage: LogCorruptionError | undefined;
}

Deno.test("promote() refuses while the log is damaged; the build goes on waiting", async () => {
  using dir = new TempDir();
  const events = new DamagedStore();
  await events.append(counts(9));
  await using opossum = openOne(dir, SUMS, events);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  events.damage = new LogCorruptionError({
    file: "events/x",
    offset: 0,
    position: 1,
    reason: "bad",
  } as never);
  await assertRejects(() => rebuilder.promote(id), LogCorruptionError);
  assertEquals(
    (await rebuilder.getOperation(id))?.progress[0]?.phase,
    "awaitingPromotion",
  );
  events.damage = undefined;
  await rebuilder.promote(id);
  assert((await rebuilder.wait(id))?.success);
});

Deno.test("promote() that cannot be written down promotes nothing, and can be asked for again", async () => {
  using dir = new TempDir();
  let isFull = false;
  const disk = withSync("/operations/", async (next) => {
    if (isFull) throw Object.assign(new Error("Full"), { code: "ENOSPC" });
    await next();
  });
  const events = new MemoryEventStore();
  await using opossum = openOverMemory(dir.path, [SUMS], QUIET, events, disk);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], AWAIT);
  await whenAwaiting(opossum, id);
  isFull = true;
  await assertRejects(() => rebuilder.promote(id), Error, "Full");
  assertEquals(
    (await rebuilder.getOperation(id))?.progress[0]?.phase,
    "awaitingPromotion",
  );
  isFull = false;
  await rebuilder.promote(id);
  assert((await rebuilder.wait(id))?.success);
});
