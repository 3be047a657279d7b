import { setImmediate } from "node:timers/promises";
import { assertEquals, assertRejects } from "@std/assert";
import {
  type DomainEvent,
  type EventBatch,
  ProjectionApplyError,
  type Projections,
  type Query,
  type ReadBatchesOptions,
} from "../../mod.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf, damageDocuments } from "./repair_fixture.ts";
import {
  assertRefused,
  change,
  changesOf,
  FILE,
  filledSums,
  openSums,
  sums,
} from "./sums_fixture.ts";

Deno.test("rebuildKeys() changes what is not what the log says, and only that", async () => {
  using dir = await filledSums();
  const before = contentOf(dir.file(FILE));
  damageDocuments(dir.file(FILE), [
    change(0),
    { kind: "delete", at: 1 },
    { kind: "foreign", key: "x" },
  ]);
  await using opossum = await openSums(dir.path);
  const { rebuilder } = opossum;
  const report = await rebuilder.rebuildKeys("Sums", ["c", "a", "x", "b", "a"]);
  assertEquals(report, {
    projectionName: "Sums",
    checkpoint: 30,
    eventsScanned: 30,
    keys: [
      { key: "a", change: "changed" },
      { key: "b", change: "added" },
      { key: "c", change: "unchanged" },
      { key: "x", change: "removed" },
    ],
  });
  assertEquals(contentOf(dir.file(FILE)), before);
  assertEquals(
    changesOf(await rebuilder.rebuildKeys("Sums", ["a", "b", "nobody"])),
    { a: "unchanged", b: "unchanged", nobody: "unchanged" },
  );
});

Deno.test("rebuildKeys() leaves other documents as they are, also damaged ones", async () => {
  using dir = await filledSums();
  damageDocuments(dir.file(FILE), [change(0), change(1)]);
  await using opossum = await openSums(dir.path, [sums], {
    startDaemon: false,
  });
  const { rebuilder, projections } = opossum;
  assertEquals(
    changesOf(await rebuilder.rebuildKeys("Sums", ["a"])),
    { a: "changed" },
  );
  assertEquals(await projections.get("Sums", "a"), { sum: 145 });
  await assertRejects(() => projections.get("Sums", "b"));
  // Now it is known that it is damaged, and single documents are not enough.
  await assertRefused(() => rebuilder.rebuildKeys("Sums", ["b"]), "damaged");
});

Deno.test("repair() makes a projection that is marked as damaged usable again, here and for those who have it open", async () => {
  using dir = await filledSums();
  damageDocuments(dir.file(FILE), [change(0), { kind: "delete", at: 1 }]);
  await using opossum = await openSums(dir.path);
  await using other = await openSums(dir.path, [sums], { startDaemon: false });
  for (const { projections } of [opossum, other]) {
    await assertRejects(() => projections.get("Sums", "a"));
    assertEquals((await projections.info("Sums")).state, "damaged");
  }
  const report = await opossum.rebuilder.repair("Sums");
  assertEquals(changesOf(report), { a: "changed", b: "added" });
  for (const { projections } of [opossum, other]) {
    assertEquals((await projections.info("Sums")).state, "ready");
    assertEquals(await projections.get("Sums", "a"), { sum: 145 });
    assertEquals(await projections.get("Sums", "b"), { sum: 155 });
  }
  // Live updates go on from what was repaired.
  const { last } = await opossum.events.append(counts(2));
  await opossum.projections.waitFor(last);
  assertEquals(await other.projections.get("Sums", "b"), { sum: 157 });
});

Deno.test("repair() makes whoever keeps the projection up to date elsewhere let go of what he holds of it", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  // Takes nothing from an account that is not there.
  const accounts = countingProjection("Sums", {
    apply: (state, { data: { by } }) =>
      state === undefined && by < 0
        ? undefined
        : { sum: (state?.sum ?? 0) + by },
  });
  const open = () => openOverMemory(dir.path, [accounts], {}, log);
  const count = async (key: string, by: number) =>
    (await log.append([{ type: "Counted", data: { key, by } }])).last;
  await using repairer = open();
  await count("a", 100);
  await repairer.rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [{ kind: "delete", at: 0 }]);
  // Two over one folder and one log are as good as two processes.
  await using keeper = open();
  await keeper.daemon.start();
  await keeper.projections.waitFor(await count("a", -30));
  assertEquals(await keeper.projections.get("Sums", "a"), undefined);
  const report = await repairer.rebuilder.repair("Sums");
  assertEquals(changesOf(report), { a: "added" });
  await keeper.projections.waitFor(await count("a", 5));
  assertEquals(await keeper.projections.get("Sums", "a"), { sum: 75 });
});

Deno.test("repair() keeps a document deleted that the projection deleted by itself", async () => {
  using dir = new TempDir();
  const odd = countingProjection("Sums", {
    apply: (state, event) =>
      event.data.by % 2 === 0
        ? undefined
        : { sum: (state?.sum ?? 0) + event.data.by },
  });
  await using opossum = openOverMemory(dir.path, [odd]);
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuild("Sums");
  const { keys } = await opossum.rebuilder.repair("Sums");
  assertEquals(
    keys.filter(({ change }) => change !== "unchanged"),
    [],
  );
  assertEquals(keys.map(({ key }) => key), ["a", "c"]);
  assertEquals(await opossum.projections.get("Sums", "a"), undefined);
});

Deno.test("rebuildKeys() whose code fails on an event that was applied before changes nothing", async () => {
  using dir = new TempDir();
  let fails = false;
  const moody = countingProjection("Sums", {
    fingerprint: "fixed",
    apply: (state, event) => {
      if (fails) throw new Error("Moody");
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  await using opossum = openOverMemory(dir.path, [moody]);
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuild("Sums");
  const before = contentOf(dir.file(FILE));
  fails = true;
  await assertRejects(
    () => opossum.rebuilder.rebuildKeys("Sums", ["a"]),
    ProjectionApplyError,
  );
  assertEquals(contentOf(dir.file(FILE)), before);
  const left = [...Deno.readDirSync(dir.file("projections/Sums"))]
    .filter(({ name }) => name.endsWith(".tmp"));
  assertEquals(left, []);
});

Deno.test("an aborted signal ends a repair, and leaves everything as it was", async () => {
  using dir = await filledSums();
  damageDocuments(dir.file(FILE), [change(0)]);
  const before = contentOf(dir.file(FILE));
  await using opossum = await openSums(dir.path, [sums], {
    startDaemon: false,
  });
  const signal = AbortSignal.abort(new Error("Enough"));
  await assertRejects(
    () => opossum.rebuilder.repair("Sums", { signal }),
    Error,
    "Enough",
  );
  assertEquals(contentOf(dir.file(FILE)), before);
});

Deno.test("repair() waits for whoever changes the projection, and is a part of nothing that he does", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using opossum = openOverMemory(dir.path, [sums], {
    clock,
    rebuildGoodNeighbour: false,
  });
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [change(0)]);
  const damaged = contentOf(dir.file(FILE));
  await using other = new SqliteProjectionStore({
    directory: dir.file("projections"),
    fileSystem: denoFileSystem,
    clock,
  });
  const lock = await other.lockLive("Sums");
  const repairing = opossum.rebuilder.repair("Sums");
  await Promise.race([clock.whenSleeping(1), repairing]);
  assertEquals(contentOf(dir.file(FILE)), damaged);
  lock[Symbol.dispose]();
  await clock.advance(1_000);
  assertEquals(changesOf(await repairing), { a: "changed" });
});

/** Whoever reads the whole log is held up before. */
class GatedEvents extends MemoryEventStore {
  gate: Promise<void> | undefined;
  readonly reached = Promise.withResolvers<void>();

  override async *readBatches<E extends DomainEvent>(
    query: Query,
    options: ReadBatchesOptions = {},
  ): AsyncGenerator<EventBatch<E>> {
    if (options.after === 0 && this.gate) {
      this.reached.resolve();
      await this.gate;
    }
    yield* super.readBatches<E>(query, options);
  }
}

Deno.test("repair() catches up with what was applied meanwhile, also to a document that was missing", async () => {
  using dir = new TempDir();
  const log = new GatedEvents();
  // Tags that are left over would tell.
  const untagged = countingProjection("Sums", { tags: () => [] });
  await using opossum = openOverMemory(dir.path, [untagged], {}, log);
  const { daemon, projections, rebuilder } = opossum;
  await log.append(counts(3));
  await rebuilder.rebuild("Sums");
  await daemon.start();
  await daemon.whenStarted();
  damageDocuments(dir.file(FILE), [{ kind: "delete", at: 0 }]);
  const gate = Promise.withResolvers<void>();
  log.gate = gate.promise;
  const repairing = rebuilder.repair("Sums");
  await log.reached.promise;
  const { last } = await log.append(counts(2));
  await projections.waitFor(last);
  // A document that nothing tells from one that is right.
  assertEquals(await projections.get("Sums", "a"), { sum: 1 });
  gate.resolve();
  const { checkpoint, keys } = await repairing;
  assertEquals(checkpoint, 5);
  assertEquals(keys, [{ key: "a", change: "changed" }]);
  assertEquals(await projections.get("Sums", "a"), { sum: 2 });
  assertEquals(await projections.get("Sums", "b"), { sum: 4 });
});

Deno.test("repair() leaves a faulted projection where it stands, and follows an operator's orders", async () => {
  using dir = new TempDir();
  const picky = countingProjection("Sums", {
    apply: (state, { data: { by } }) => {
      if (by === 4) throw new Error("Unlucky");
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  await using opossum = openOverMemory(dir.path, [picky]);
  const { daemon, events, projections, rebuilder } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  await events.append(counts(6));
  await projections.waitFor(3);
  const lose = [{ kind: "delete" as const, at: 0 }];
  damageDocuments(dir.file(FILE), lose);
  const faulted = await rebuilder.repair("Sums");
  assertEquals(faulted.checkpoint, 3);
  assertEquals(changesOf(faulted), { a: "added" });
  await whenFaulted(projections);
  await daemon.skip("Sums", 4);
  await projections.waitFor(6);
  damageDocuments(dir.file(FILE), lose);
  const { checkpoint, keys } = await rebuilder.repair("Sums");
  assertEquals([checkpoint, keys], [6, [{ key: "a", change: "added" }]]);
  assertEquals(await projections.get("Sums", "a"), { sum: 1 });
  assertEquals(await projections.get("Sums", "b"), { sum: 7 });
  const [letter] = await projections.deadLetters("Sums");
  assertEquals([letter?.position, letter?.reason], [4, "ordered"]);
});

/** The repair has it tried again at once: it stands still again in a moment. */
async function whenFaulted(
  projections: Pick<Projections, "info">,
): Promise<void> {
  for (;;) {
    if ((await projections.info("Sums")).fault !== null) return;
    await setImmediate();
  }
}
