import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import {
  KeyRebuildError,
  type KeyRebuildRefusal,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  ProjectionApplyError,
  type ProjectionDefinition,
  RebuildConflictError,
  RebuilderClosedError,
  type RebuiltKeys,
  silentLogger,
  StoreReadOnlyError,
  UnknownProjectionError,
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

const sums = countingProjection("Sums");
const FILE = "projections/Sums/000001.sqlite";

function open(
  path: string,
  projections: readonly ProjectionDefinition[] = [sums],
  options: Partial<OpossumOptions> = {},
): Promise<Opossum> {
  return openOpossum({
    path,
    projections,
    logger: silentLogger,
    enableAutoRebuild: false,
    ...options,
  });
}

/** A folder whose projection counts 30 events: a, b and c. */
async function filled(): Promise<TempDir> {
  const dir = new TempDir();
  await using opossum = await open(dir.path, [sums], {
    enableAutoRebuild: true,
  });
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append(counts(30));
  await opossum.projections.waitFor(last);
  return dir;
}

function changesOf({ keys }: RebuiltKeys): Record<string, string> {
  return Object.fromEntries(keys.map(({ key, change }) => [key, change]));
}

async function assertRefused(
  action: () => Promise<unknown>,
  refusal: KeyRebuildRefusal,
): Promise<void> {
  const error = await assertRejects(action, KeyRebuildError);
  assertEquals(error.refusal, refusal);
}

/** Damages the only document that a key has, so that only its checksum tells. */
const change = (at: number) => ({ kind: "change" as const, at });

Deno.test("rebuildKeys() changes what is not what the log says, and only that", async () => {
  using dir = await filled();
  const before = contentOf(dir.file(FILE));
  damageDocuments(dir.file(FILE), [
    change(0),
    { kind: "delete", at: 1 },
    { kind: "foreign", key: "x" },
  ]);
  await using opossum = await open(dir.path);
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
  using dir = await filled();
  damageDocuments(dir.file(FILE), [change(0), change(1)]);
  await using opossum = await open(dir.path, [sums], { startDaemon: false });
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
  using dir = await filled();
  damageDocuments(dir.file(FILE), [change(0), { kind: "delete", at: 1 }]);
  await using opossum = await open(dir.path);
  await using other = await open(dir.path, [sums], { startDaemon: false });
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

Deno.test("repair() and rebuildKeys() refuse what a rebuild is for, and change nothing", async (t) => {
  const each = async (
    what: string,
    refusal: KeyRebuildRefusal,
    damage: (path: string) => void,
    definition = sums,
  ) => {
    await t.step(what, async () => {
      using dir = await filled();
      damage(dir.file(FILE));
      const before = contentOf(dir.file(FILE));
      await using opossum = await open(dir.path, [definition], {
        startDaemon: false,
      });
      const { rebuilder } = opossum;
      await assertRefused(() => rebuilder.repair("Sums"), refusal);
      const after = contentOf(dir.file(FILE));
      assertEquals(after.documents, before.documents);
      const { state } = await opossum.projections.info("Sums");
      assertEquals(state, refusal === "stale" ? "stale" : "damaged");
      // Nothing is left over, and a rebuild mends it.
      const { success } = await rebuilder.rebuild("Sums");
      assert(success);
      assertEquals(await opossum.projections.get("Sums", "a"), {
        sum: 145 * (definition === sums ? 1 : 2),
      });
    });
  };
  await each(
    "stale",
    "stale",
    () => {},
    countingProjection("Sums", {
      version: 2,
      apply: (state, event) => ({
        sum: (state?.sum ?? 0) + 2 * event.data.by,
      }),
    }),
  );
  await each("a mark that says more than rows", "damaged", (file) => {
    using database = new DatabaseSync(file);
    database.prepare("INSERT INTO meta VALUES ('damaged', 'malformed')").run();
  });
  await each("rows that are not found by their keys", "damaged", (file) => {
    // In the table alone: the index still finds the row by its old key.
    const bytes = Deno.readFileSync(file);
    const at = Buffer.from(bytes).lastIndexOf('a{"sum":145}');
    assert(at > 0);
    bytes[at] = "z".charCodeAt(0);
    Deno.writeFileSync(file, bytes);
  });
});

Deno.test("repair() refuses a projection that was never built", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  await assertRefused(() => opossum.rebuilder.repair("Sums"), "notBuilt");
});

Deno.test("repair() refuses when a related event is lost: documents after it may be wrong", async () => {
  using dir = new TempDir();
  const related = countingProjection("Sums", {
    related: { eventTypes: ["Counted"], tags: () => [] },
  });
  const log = new MemoryEventStore();
  await using opossum = openOverMemory(dir.path, [related], {}, log);
  await log.append(counts(6).map((event) => ({ ...event, tags: ["t"] })));
  await opossum.rebuilder.rebuild("Sums");
  assertEquals((await opossum.rebuilder.repair("Sums")).keys, []);
  for (
    const sql of [
      "DELETE FROM related_events WHERE position = 3",
      "DELETE FROM related_tags WHERE position = 3",
      "INSERT INTO related_tags VALUES ('x', 3)",
      "UPDATE related_events SET sum = 0 WHERE position = 6",
      "DELETE FROM related_events WHERE position = 6",
    ]
  ) {
    const { generation } = await opossum.projections.info("Sums");
    const file = dir.file(`projections/Sums/00000${generation}.sqlite`);
    {
      using database = new DatabaseSync(file);
      database.exec(sql);
    }
    await assertRefused(() => opossum.rebuilder.repair("Sums"), "damaged");
    assertEquals((await opossum.projections.info("Sums")).state, "damaged");
    await opossum.rebuilder.rebuild("Sums");
  }
});

Deno.test("rebuildKeys() and repair() refuse more than 10,000 documents", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  const events = Array.from({ length: 10_000 }, (_, i) => ({
    type: "Counted" as const,
    data: { key: `k${i}`, by: 1 },
  }));
  await opossum.events.append(events);
  await opossum.events.append(counts(1));
  const { rebuilder } = opossum;
  await rebuilder.rebuild("Sums");
  const keys = ["a", ...events.map(({ data }) => data.key)];
  await assertRefused(() => rebuilder.rebuildKeys("Sums", keys), "tooManyKeys");
  const file = dir.file(FILE);
  {
    using database = new DatabaseSync(file);
    database.exec("DELETE FROM documents WHERE key <> 'k7'");
  }
  const { keys: mended } = await rebuilder.repair("Sums");
  assertEquals(mended.length, 10_000);
  {
    using database = new DatabaseSync(file);
    database.exec("DELETE FROM documents");
  }
  await assertRefused(() => rebuilder.repair("Sums"), "tooManyKeys");
});

Deno.test("rebuildKeys() refuses unknown names and what is no key", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  const { rebuilder } = opossum;
  await assertRejects(
    () => rebuilder.rebuildKeys("Nobody", []),
    UnknownProjectionError,
  );
  await assertRejects(() => rebuilder.repair("Nobody"), UnknownProjectionError);
  for (const key of ["", "a\0b", "\ud800", "k".repeat(1_025)]) {
    await assertRejects(() => rebuilder.rebuildKeys("Sums", [key]), RangeError);
  }
});

Deno.test("rebuildKeys() is refused while the projection is being rebuilt, in read-only mode and when closed", async () => {
  using dir = await filled();
  {
    await using reader = await open(dir.path, [sums], { readOnly: true });
    await assertRejects(
      () => reader.rebuilder.repair("Sums"),
      StoreReadOnlyError,
    );
  }
  const opossum = await open(dir.path, [sums]);
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["Sums"]);
  const error = await assertRejects(
    () => rebuilder.repair("Sums"),
    RebuildConflictError,
  );
  assertEquals(error.operationId, id);
  await rebuilder.wait(id);
  await opossum[Symbol.asyncDispose]();
  await assertRejects(() => rebuilder.repair("Sums"), RebuilderClosedError);
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
  using dir = await filled();
  damageDocuments(dir.file(FILE), [change(0)]);
  const before = contentOf(dir.file(FILE));
  await using opossum = await open(dir.path, [sums], { startDaemon: false });
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

Deno.test("repair() refuses too many damaged documents, and marks the projection as damaged", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  const { rebuilder, projections } = opossum;
  const events = Array.from({ length: 10_000 }, (_, i) => ({
    type: "Counted" as const,
    data: { key: `k${i}`, by: 1 },
  }));
  await opossum.events.append(events);
  await opossum.events.append(counts(1));
  await rebuilder.rebuild("Sums");
  {
    using database = new DatabaseSync(dir.file(FILE));
    database.exec("UPDATE documents SET sum = sum + 1");
  }
  assertEquals((await projections.info("Sums")).state, "ready");
  await assertRefused(() => rebuilder.repair("Sums"), "tooManyKeys");
  assertEquals((await projections.info("Sums")).state, "damaged");
});
