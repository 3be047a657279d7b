import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { ProjectionNotBuiltError, ProjectionsClosedError } from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { holdSync } from "../support/slow_sync.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("the daemon builds what is missing and then follows the log", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.events.append(counts(3));
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  assertEquals(opossum.daemon.state, "running");
  const { last } = await opossum.events.append([
    { type: "Counted", data: { key: "a", by: 100 } },
  ]);
  await opossum.projections.waitFor(last);
  assertEquals(await opossum.projections.get("One", "a"), { sum: 101 });
  assertEquals((await opossum.projections.info("One")).lag, 0);
});

Deno.test("the daemon builds nothing when enableAutoRebuild is false", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")], {
    enableAutoRebuild: false,
  });
  await opossum.events.append(counts(3));
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await assertRejects(
    () => opossum.projections.list("One"),
    ProjectionNotBuiltError,
  );
  assertEquals((await opossum.projections.info("One")).state, "absent");
});

Deno.test("a poison event faults its projection alone, exactly at that event", async () => {
  using dir = new TempDir();
  const picky = countingProjection("Picky", {
    apply: (state, event) => {
      if (event.data.by === 13) throw new Error("unlucky");
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  await using opossum = openOverMemory(dir.path, [
    picky,
    countingProjection("Other"),
  ]);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  const by = [1, 2, 13, 4].map((by) => ({
    type: "Counted" as const,
    data: { key: "a", by },
  }));
  await opossum.events.append(by);
  await opossum.projections.waitFor(4, { names: ["Other"] });
  assertEquals(await opossum.projections.get("Other", "a"), { sum: 20 });
  await opossum.projections.waitFor(2, { names: ["Picky"] });
  assertEquals(await opossum.projections.get("Picky", "a"), { sum: 3 });
  const info = await opossum.projections.info("Picky");
  assertEquals([info.state, info.checkpoint, info.fault?.position], [
    "faulted",
    2,
    3,
  ]);
});

Deno.test("a rebuild while events are appended hands over without gap or repetition", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")], {
    batchSize: 2,
  });
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  const appending = (async () => {
    for (const event of counts(50)) await opossum.events.append([event]);
  })();
  for (let round = 0; round < 5; round++) {
    await opossum.rebuilder.rebuild("One");
  }
  await appending;
  await opossum.projections.waitFor(50);
  const { documents } = await opossum.projections.list<{ sum: number }>("One");
  assertEquals(
    documents.reduce((total, { state }) => total + state.sum, 0),
    1275,
  );
});

Deno.test("queryByTag() follows the document's tags as they change", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await opossum.events.append([{ type: "Counted", data: { key: "a", by: 1 } }]);
  await opossum.projections.waitFor(1);
  const odd = await opossum.projections.queryByTag("One", "parity:odd");
  assertEquals(odd.documents, [{ key: "a", state: { sum: 1 } }]);
  await opossum.events.append([{ type: "Counted", data: { key: "a", by: 1 } }]);
  await opossum.projections.waitFor(2);
  assertEquals(
    (await opossum.projections.queryByTag("One", "parity:odd")).documents,
    [],
  );
  assertEquals(
    (await opossum.projections.queryByTag("One", "parity:even")).documents
      .length,
    1,
  );
});

Deno.test("a start with nothing to rebuild adds no operation to the history", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  for (let start = 0; start < 3; start++) {
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    await opossum.daemon.stop();
  }
  assertEquals((await opossum.rebuilder.listOperations()).length, 1);
});

Deno.test("enableAutoRebuild force rebuilds everything at each start", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")], {
    enableAutoRebuild: "force",
  });
  for (let start = 0; start < 2; start++) {
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    await opossum.daemon.stop();
  }
  assertEquals((await opossum.projections.info("One")).generation, 2);
});

Deno.test("what is appended while a first generation is swapped in is not left to the next poll", async () => {
  using dir = new TempDir();
  const swapping = holdSync("current.json");
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    { enableAutoRebuild: false, pollingInterval: 3_600_000 },
    new MemoryEventStore(),
    swapping.fileSystem,
  );
  await opossum.daemon.start();
  const rebuilding = opossum.rebuilder.rebuild("One");
  await swapping.reached;
  const { last } = await opossum.events.append([{
    type: "Counted",
    data: { key: "a", by: 1 },
  }]);
  swapping.release();
  await rebuilding;
  await opossum.projections.waitFor(last);
  assertEquals(await opossum.projections.get("One", "a"), { sum: 1 });
});

Deno.test("closing lets go of whoever waits, and refuses reads", async () => {
  using dir = new TempDir();
  const opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.rebuilder.rebuildAll();
  const waiting = assertRejects(
    () => opossum.projections.waitFor(7),
    ProjectionsClosedError,
  );
  await opossum[Symbol.asyncDispose]();
  await waiting;
  await assertRejects(
    () => opossum.projections.get("One", "a"),
    ProjectionsClosedError,
  );
});

Deno.test("a projection whose transactions fail waits for the next poll, and does not spin", async () => {
  using dir = new TempDir();
  const failures: string[] = [];
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One"), countingProjection("Two")],
    {
      pollingInterval: 3_600_000,
      logger: {
        log(level, message) {
          if (level === "error") failures.push(message);
        },
      },
    },
  );
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  // SQLite refuses to write from now on, as it does on a full disk.
  using database = new DatabaseSync(dir.file("projections/One/000001.sqlite"));
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'full'); END",
  );
  const { last } = await opossum.events.append([{
    type: "Counted",
    data: { key: "a", by: 1 },
  }]);
  await opossum.projections.waitFor(last, { names: ["Two"] });
  await opossum.daemon.stop();
  assertEquals(failures, ["Live update failed"]);
});
