import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type ProjectionDefinition,
  ProjectionRollbackError,
  StoreReadOnlyError,
  UnknownProjectionError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  type Counted,
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  documentsOf,
  OFF,
  QUIET as MANUAL,
  SUMS,
  twoVersions,
  whenAwaiting,
} from "./generation_fixture.ts";

async function refused(
  opossum: MemoryFixture,
  why: string,
): Promise<ProjectionRollbackError> {
  const before = await opossum.projections.generations("One");
  const error = await assertRejects(
    () => opossum.rebuilder.rollback("One"),
    ProjectionRollbackError,
    why,
  );
  assertEquals(await opossum.projections.generations("One"), before);
  return error;
}

/** Starts the daemon, as a process does, and waits until that is over. */
async function start(
  path: string,
  definition: ProjectionDefinition<{ sum: number }, Counted>,
  events: MemoryEventStore,
  enableAutoRebuild: true | "force" = true,
): Promise<MemoryFixture> {
  const options = { enableAutoRebuild };
  const opossum = openOverMemory(path, [definition], options, events);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  return opossum;
}

Deno.test("rollback() serves the previous generation, and a second one goes forward again", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL);
  await opossum.events.append(counts(3));
  await opossum.rebuilder.rebuild("One");
  await opossum.events.append(counts(3));
  await opossum.rebuilder.rebuild("One");
  const roles = async () =>
    (await opossum.projections.generations("One"))
      .map(({ number, role, checkpoint }) => [number, role, checkpoint]);
  assertEquals(await roles(), [[1, "previous", 3], [2, "current", 6]]);
  await opossum.rebuilder.rollback("One");
  assertEquals(await roles(), [[1, "current", 3], [2, "previous", 6]]);
  const { generation, previousGeneration, rolledBackAt } = await opossum
    .projections.info("One");
  assertEquals([generation, previousGeneration], [1, 2]);
  assert(rolledBackAt !== null);
  assertEquals(await documentsOf(opossum), {
    a: { sum: 1 },
    b: { sum: 2 },
    c: { sum: 3 },
  });
  await opossum.rebuilder.rollback("One");
  assertEquals(await roles(), [[1, "previous", 3], [2, "current", 6]]);
  assertEquals((await opossum.projections.info("One")).rolledBackAt, null);
});

Deno.test("rollback() to a generation of the registered definition: live updates bring it up to date", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL);
  const { events, rebuilder, projections, daemon } = opossum;
  await events.append(counts(3));
  await rebuilder.rebuild("One");
  await daemon.start();
  await events.append(counts(5));
  await projections.waitFor(8);
  await rebuilder.rebuild("One");
  const { last } = await events.append(counts(4));
  await projections.waitFor(last);
  const before = await documentsOf(opossum);
  await rebuilder.rollback("One");
  await projections.waitFor(last);
  assertEquals(await documentsOf(opossum), before);
  const { state, generation, lag } = await projections.info("One");
  assertEquals([state, generation, lag], ["ready", 1, 0]);
  // What serves is what a rebuild makes.
  await rebuilder.rebuild("One");
  assertEquals(await documentsOf(opossum), before);
});

Deno.test("rollback() to another definition serves it stale, and neither updates nor starts change that", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    await opossum.rebuilder.rollback("One");
    const { state, builtVersion } = await opossum.projections.info("One");
    assertEquals([state, builtVersion], ["stale", 1]);
    const [plan] = await opossum.rebuilder.plan(undefined);
    assertEquals([plan?.rebuild, plan?.reason], [false, "rolledBack"]);
    assert((await opossum.rebuilder.rebuildAll()).nothingToDo);
  }
  for (const auto of [true, "force"] as const) {
    await using opossum = await start(dir.path, OFF, events, auto);
    await events.append(counts(1));
    const { generation, checkpoint, state } = await opossum.projections.info(
      "One",
    );
    assertEquals([generation, checkpoint, state], [1, 6, "stale"]);
    assertEquals((await opossum.rebuilder.listOperations()).length, 3);
  }
  // By name it is.
  await using opossum = await start(dir.path, OFF, events);
  assert((await opossum.rebuilder.rebuild("One")).success);
  const { state, generation, previousGeneration, rolledBackAt } = await opossum
    .projections.info("One");
  assertEquals([state, generation, previousGeneration, rolledBackAt], [
    "ready",
    3,
    1,
    null,
  ]);
});

Deno.test("rollback() holds until another definition is registered: that is rebuilt at the start", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    await opossum.rebuilder.rollback("One");
  }
  const mended = countingProjection("One", { version: 3 });
  await using opossum = await start(dir.path, mended, events);
  const { state, generation, builtVersion } = await opossum.projections.info(
    "One",
  );
  assertEquals([state, generation, builtVersion], ["ready", 3, 3]);
});

Deno.test("a start rebuilds what was rolled back when nothing can be served of it", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    await opossum.rebuilder.rollback("One");
  }
  Deno.writeTextFileSync(dir.file("projections/One/000001.sqlite"), "?");
  await using opossum = await start(dir.path, OFF, events);
  const { state, generation } = await opossum.projections.info("One");
  assertEquals([state, generation], ["ready", 3]);
});

Deno.test("rollback() refuses when there is nothing to go back to, and changes nothing", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  {
    await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, events);
    const { rebuilder } = opossum;
    await assertRejects(
      () => rebuilder.rollback("Nope"),
      UnknownProjectionError,
    );
    await refused(opossum, "it has no previous generation");
    await rebuilder.rebuild("One");
    await refused(opossum, "it has no previous generation");
    await rebuilder.rebuild("One");
  }
  await using opossum = openOverMemory(dir.path, [SUMS], MANUAL, events);
  Deno.writeTextFileSync(dir.file("projections/One/000001.sqlite"), "?");
  const { refusal } = await refused(opossum, "cannot be used");
  assertEquals(refusal, "noPreviousGeneration");
});

Deno.test("rollback() refuses a generation of another log, as its events are lost", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  const { DatabaseSync } = await import("node:sqlite");
  const { readCheckedMeta, writeStoreId } = await import(
    "../../src/projections/sqlite_connection.ts"
  );
  {
    using database = new DatabaseSync(
      dir.file("projections/One/000001.sqlite"),
    );
    writeStoreId(database, readCheckedMeta(database), "another one");
  }
  await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
  await refused(opossum, "holds events that the log has not");
});

Deno.test("rollback() refuses while the projection is rebuilt, and names the operation", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
  const { id } = await opossum.rebuilder.start(["One"]);
  await opossum.rebuilder.pause(id);
  const error = await assertRejects(
    () => opossum.rebuilder.rollback("One"),
    ProjectionRollbackError,
    "it is being rebuilt",
  );
  assertEquals([error.refusal, error.operationId], ["rebuilding", id]);
  await opossum.rebuilder.cancel(id);
});

Deno.test("rollback() refuses while a build waits to be promoted, and says which operation to promote or cancel", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"], { promote: "manual" });
  await whenAwaiting(opossum, id);
  const error = await assertRejects(
    () => rebuilder.rollback("One"),
    ProjectionRollbackError,
    `a new build of it waits to be promoted: promote or cancel operation ${id} first`,
  );
  assertEquals([error.refusal, error.operationId], ["awaitingPromotion", id]);
  await rebuilder.cancel(id);
  await rebuilder.rollback("One");
});

Deno.test("rollback() refuses where nothing may be written", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  const options = { readOnly: true, enableAutoRebuild: false };
  await using opossum = openOverMemory(dir.path, [OFF], options, events);
  await assertRejects(
    () => opossum.rebuilder.rollback("One"),
    StoreReadOnlyError,
  );
  // Telling of them writes nothing either.
  const numbers = (await opossum.projections.generations("One"))
    .map(({ number }) => number);
  assertEquals(numbers, [1, 2]);
});

Deno.test("rollback() overrules what was asked for before, also when that was interrupted", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    const { id } = await opossum.rebuilder.start(["One"]);
    await opossum.rebuilder.pause(id);
    // It has begun its build by then.
    while ((await opossum.projections.generations("One")).length < 3) {
      await new Promise(setImmediate);
    }
  }
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    await opossum.rebuilder.rollback("One");
    const roles = (await opossum.projections.generations("One"))
      .map(({ role }) => role);
    assertEquals(roles, ["current", "previous"]);
  }
  await using opossum = await start(dir.path, OFF, events);
  assertEquals((await opossum.projections.info("One")).generation, 1);
});

Deno.test("a rebuild that was asked for after a rollback goes on after an interruption", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  {
    await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
    await opossum.rebuilder.rollback("One");
    const { id } = await opossum.rebuilder.start(["One"]);
    await opossum.rebuilder.pause(id);
  }
  await using opossum = await start(dir.path, OFF, events);
  // It was paused, which outlasts a restart.
  const { operationIds: [id = ""] } = await opossum.rebuilder
    .getRebuildStatus();
  await opossum.rebuilder.resume(id);
  assert((await opossum.rebuilder.wait(id))?.success);
  const { generation, state } = await opossum.projections.info("One");
  assertEquals([generation, state], [3, "ready"]);
});

Deno.test("rollback() is seen by other processes on the folder, and their updates go there", async () => {
  using dir = new TempDir();
  await using one = openOverMemory(dir.path, [SUMS], MANUAL);
  await using other = openOverMemory(dir.path, [SUMS], MANUAL, one.events);
  await one.events.append(counts(3));
  await one.rebuilder.rebuild("One");
  await one.rebuilder.rebuild("One");
  await other.daemon.start();
  await one.events.append(counts(3));
  await other.projections.waitFor(6);
  await one.rebuilder.rollback("One");
  await one.events.append(counts(1));
  // The rebuilt one stood at 3 as well.
  await other.projections.waitFor(7);
  const { generation, checkpoint } = await one.projections.info("One");
  assertEquals([generation, checkpoint], [1, 7]);
  assertEquals(await documentsOf(one), await documentsOf(other));
});

Deno.test("rollback() lets readers finish with the generation that they began with", async () => {
  using dir = new TempDir();
  const events = await twoVersions(dir.path);
  await using opossum = openOverMemory(dir.path, [OFF], MANUAL, events);
  const reading = opossum.projections.documents("One");
  const seen = [await reading[Symbol.asyncIterator]().next()];
  await opossum.rebuilder.rollback("One");
  for await (const document of reading) seen.push({ value: document });
  assertEquals(seen.map(({ value }) => value.key), ["a", "b"]);
  assertEquals(Object.keys(await documentsOf(opossum)), ["a", "b", "c"]);
});

Deno.test("dead letters are those of the generation that serves, also after a rollback", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(4));
  const strict = countingProjection("One", {
    errorPolicy: "skip",
    version: 2,
    apply: (state, { data: { by } }) => {
      if (by === 2) throw new Error("Not this one");
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  for (const definition of [SUMS, strict]) {
    await using opossum = openOverMemory(dir.path, [definition], {}, events);
    await opossum.rebuilder.rebuildAll();
  }
  await using opossum = openOverMemory(dir.path, [strict], MANUAL, events);
  const letters = async () =>
    (await opossum.projections.deadLetters("One"))
      .map(({ position }) => position);
  assertEquals(await letters(), [2]);
  await opossum.rebuilder.rollback("One");
  assertEquals(await letters(), []);
  await opossum.rebuilder.rollback("One");
  assertEquals(await letters(), [2]);
});

Deno.test("rollback() refuses a generation that applied what was ordered to be passed over since", async () => {
  using dir = new TempDir();
  let isBroken = false;
  // Code that fails by chance: what is ordered then was applied by an earlier generation.
  const moody = countingProjection("One", {
    fingerprint: "moody",
    apply: (state, { data: { by } }) => {
      if (isBroken && by === 2) throw new Error("Not today");
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  await using opossum = openOverMemory(dir.path, [moody], MANUAL);
  const { events, rebuilder, daemon, projections } = opossum;
  await events.append(counts(1));
  await rebuilder.rebuild("One");
  await events.append(counts(3).slice(1));
  await rebuilder.rebuild("One");
  await rebuilder.rollback("One");
  isBroken = true;
  await daemon.start();
  while ((await projections.info("One")).fault?.position !== 2) {
    await new Promise(setImmediate);
  }
  await daemon.skip("One", 2);
  await projections.waitFor(3);
  await daemon.stop();
  await refused(opossum, "ordered to be passed over");
});
