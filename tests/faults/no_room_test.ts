import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AppendFailedError,
  openOpossum,
  ProjectionUnavailableError,
  silentLogger,
} from "../../mod.ts";
import { FakeClock, FaultyFileSystem } from "../../src/testing/mod.ts";
import {
  edit,
  event,
  MemoryLogger,
  positions,
  TestFolder,
} from "../log/support.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Lets SQLite find no room for what its connections share, until disposed. */
function takeRoom(database: string): Disposable {
  const taken = `${database}-shm`;
  // SQLite follows no link, and can therefore not create the file.
  Deno.symlinkSync(`${database}-elsewhere`, taken);
  return { [Symbol.dispose]: () => Deno.removeSync(taken) };
}

Deno.test("a store with a torn end opens on a full disk and is read, refuses appends by a typed error, and mends itself once there is room", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    await using folder = new TestFolder();
    await folder.with((store) => store.append([event("A")]));
    edit(folder.segment(0), (bytes) => {
      const torn = new Uint8Array(bytes.length + 40).fill(120);
      torn.set(bytes);
      return torn;
    });
    const torn = Deno.readFileSync(folder.segment(0));
    const fileSystem = new FaultyFileSystem();
    const path = "/quarantine/";
    fileSystem.inject({ kind: "append", path, code, times: Infinity });
    const logger = new MemoryLogger();
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1]);
      const error = await assertRejects(
        () => store.append([event("B")]),
        AppendFailedError,
      );
      assertEquals(error.code, code);
      assertEquals((store.appendTrouble as AppendFailedError).code, code);
      assertEquals(store.readOnlyCause, undefined);
      assertEquals(await positions(store), [1]);
      assertEquals(Deno.readFileSync(folder.segment(0)), torn);
      assertEquals(folder.names("quarantine"), []);
      fileSystem.heal();
      assertEquals((await store.append([event("C")])).first, 2);
      assertEquals(store.appendTrouble, undefined);
      assertEquals(folder.names("quarantine").length, 1);
      assert((await store.verify()).ok);
    }, { fileSystem, logger });
    assert(
      logger.messages("warn").some((text) =>
        text.startsWith("Left a torn end")
      ),
    );
    await folder.with(async (store) => {
      assertEquals(await positions(store), [1, 2]);
    });
  }
});

Deno.test("an index whose database cannot be opened for want of room is kept as it is, and conditions are judged nevertheless", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A", ["t:1"])]));
  const file = `${folder.path}/index.sqlite`;
  const before = Deno.readFileSync(file);
  const condition = { failIfEventsMatch: { items: [{ tags: ["t:1"] }] } };
  {
    using _taken = takeRoom(file);
    await folder.with(async (store) => {
      await assertRejects(() => store.append([event("B")], { condition }));
      assertEquals((await store.append([event("C")])).first, 2);
    });
    assertEquals(Deno.readFileSync(file), before);
  }
  await folder.with(async (store) => {
    assertEquals(await positions(store), [1, 2]);
    await assertRejects(() => store.append([event("D")], { condition }));
  });
});

Deno.test("a projection whose database can be opened by nobody else for want of room is read, is not rebuilt, and goes on once there is room, without a restart", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const options = {
    path,
    projections: [countingProjection("One")],
    logger: silentLogger,
  };
  {
    await using opossum = await openOpossum(options);
    await opossum.daemon.whenStarted();
    await opossum.events.append(counts(6));
    await opossum.projections.waitFor(6);
  }
  const clock = new FakeClock();
  await using opossum = await openOpossum({
    ...options,
    clock,
    startDaemon: false,
  });
  const { events, projections, daemon } = opossum;
  // Not before: a link in the folder is refused when it is opened.
  const taken = takeRoom(`${path}/projections/One/000001.sqlite`);
  await daemon.start();
  await daemon.whenStarted();
  await clock.whenSleeping();
  await events.append(counts(3));
  await clock.whenSleeping();
  // Several at once: they share the one connection that there can be.
  const read = await Promise.all(
    ["a", "b", "a"].map((key) => projections.get("One", key)),
  );
  assertEquals(read, [{ sum: 5 }, { sum: 7 }, { sum: 5 }]);
  const { state, checkpoint, generation } = await projections.info("One");
  assertEquals([state, checkpoint, generation], ["ready", 6, 1]);
  await assertRejects(
    () => Array.fromAsync(projections.documents("One")),
    ProjectionUnavailableError,
  );
  taken[Symbol.dispose]();
  await clock.advance(5_000);
  await projections.waitFor(9);
  assertEquals(await projections.get("One", "a"), { sum: 6 });
  const all = await Array.fromAsync(projections.documents("One"));
  assertEquals(all.length, 3);
});
