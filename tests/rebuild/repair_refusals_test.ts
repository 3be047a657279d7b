import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import {
  type KeyRebuildRefusal,
  RebuildConflictError,
  RebuilderClosedError,
  StoreReadOnlyError,
  UnknownProjectionError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { contentOf } from "./repair_fixture.ts";
import {
  assertRefused,
  FILE,
  filledSums,
  openSums,
  sums,
} from "./sums_fixture.ts";

Deno.test("repair() and rebuildKeys() refuse what a rebuild is for, and change nothing", async (t) => {
  const each = async (
    what: string,
    refusal: KeyRebuildRefusal,
    damage: (path: string) => void,
    definition = sums,
  ) => {
    await t.step(what, async () => {
      using dir = await filledSums();
      damage(dir.file(FILE));
      const before = contentOf(dir.file(FILE));
      await using opossum = await openSums(dir.path, [definition], {
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
  using dir = await filledSums();
  {
    await using reader = await openSums(dir.path, [sums], { readOnly: true });
    await assertRejects(
      () => reader.rebuilder.repair("Sums"),
      StoreReadOnlyError,
    );
  }
  const opossum = await openSums(dir.path, [sums]);
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
