import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  AWAIT,
  files,
  OFF,
  openOne,
  QUIET,
  roles,
  served,
  whenAwaiting,
} from "./generation_fixture.ts";

Deno.test("a build that waits still does so after a restart, and is promoted by its old id", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  let id: string;
  {
    await using opossum = openOne(dir, OFF, events);
    ({ id } = await opossum.rebuilder.start(["One"], {
      ...AWAIT,
      verify: true,
    }));
    await whenAwaiting(opossum, id);
  }
  await events.append(counts(4));
  // With automatic rebuilds, the start must not swap it in, build another one, or wait for it.
  for (let restart = 0; restart < 2; restart++) {
    await using opossum = openOne(dir, OFF, events, {});
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    assertEquals(opossum.daemon.state, "running");
    const { operationIds: [now = ""] } = await opossum.rebuilder
      .getRebuildStatus();
    const waiting = await whenAwaiting(opossum, now);
    // It was compared once, with what served then.
    assertEquals(waiting.progress[0]?.comparison?.checkpoint, 9);
    assertEquals(waiting.progress[0]?.comparison?.removed, 1);
    assertEquals(await roles(opossum), ["1 current", "2 awaitingPromotion"]);
    const [plan] = await opossum.rebuilder.plan(undefined);
    assertEquals([plan?.rebuild, plan?.reason], [false, "awaitingPromotion"]);
  }
  await using opossum = openOne(dir, OFF, events);
  await opossum.rebuilder.resumeInterrupted();
  const { operationIds: [now = ""] } = await opossum.rebuilder
    .getRebuildStatus();
  await whenAwaiting(opossum, now);
  assertEquals((await opossum.rebuilder.promote(id))?.id, now);
  assert((await opossum.rebuilder.wait(now))?.success);
  assertEquals((await opossum.projections.info("One")).checkpoint, 13);
  assertEquals(await roles(opossum), ["1 previous", "2 current"]);
});

Deno.test("a promotion that was written down goes on after a restart", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  const options = { ...QUIET, maxConcurrentRebuilds: 1 };
  const events = new MemoryEventStore();
  await events.append(counts(9));
  {
    await using opossum = openOverMemory(
      dir.path,
      definitions,
      options,
      events,
    );
    const { rebuilder } = opossum;
    const { id } = await rebuilder.start(["One"], AWAIT);
    await whenAwaiting(opossum, id);
    const held = await rebuilder.start(["Two"]);
    await rebuilder.pause(held.id);
    // It has no place, and will not get one.
    await rebuilder.promote(id);
  }
  await using opossum = openOverMemory(dir.path, definitions, options, events);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await opossum.projections.waitFor(9, { names: ["One"] });
  assertEquals((await opossum.projections.info("One")).generation, 1);
});

Deno.test("a promotion holds for what was built, not for what another definition builds", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  {
    await using opossum = openOverMemory(
      dir.path,
      [OFF, countingProjection("Two")],
      { ...QUIET, maxConcurrentRebuilds: 1 },
      events,
    );
    const { rebuilder } = opossum;
    const { id } = await rebuilder.start(["One"], AWAIT);
    await whenAwaiting(opossum, id);
    await rebuilder.pause((await rebuilder.start(["Two"])).id);
    await rebuilder.promote(id);
  }
  const other = countingProjection("One", { version: 3 });
  let now: string | undefined;
  for (let restart = 0; restart < 2; restart++) {
    await using opossum = openOne(dir, other, events);
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    [now] = (await opossum.rebuilder.getRebuildStatus()).operationIds;
    const waiting = await whenAwaiting(opossum, now ?? "");
    assertEquals([waiting.result, waiting.promotedAt], [null, null]);
    assertEquals((await opossum.projections.info("One")).generation, 1);
  }
  await using opossum = openOne(dir, other, events);
  await opossum.rebuilder.resumeInterrupted();
  [now] = (await opossum.rebuilder.getRebuildStatus()).operationIds;
  await whenAwaiting(opossum, now ?? "");
  await opossum.rebuilder.promote(now ?? "");
  assert((await opossum.rebuilder.wait(now ?? ""))?.success);
  assertEquals((await opossum.projections.info("One")).builtVersion, 3);
});

Deno.test("a build that nobody promoted is swapped in by nobody, also when its operation is forgotten", async () => {
  using dir = new TempDir();
  const events = await served(dir);
  {
    await using opossum = openOne(dir, OFF, events);
    const { id } = await opossum.rebuilder.start(["One"], AWAIT);
    await whenAwaiting(opossum, id);
  }
  Deno.removeSync(dir.file("operations"), { recursive: true });
  await using opossum = openOne(dir, OFF, events);
  assertEquals(await opossum.rebuilder.resumeInterrupted(), []);
  const [plan] = await opossum.rebuilder.plan(undefined);
  assertEquals(plan?.reason, "versionChanged");
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.details[0]?.eventsProcessed, 9);
  // Its number is not given again.
  assertEquals(files(dir), ["000001.sqlite", "000003.sqlite"]);
});
