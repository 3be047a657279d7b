import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { ProjectionDamagedError } from "../../mod.ts";
import type { GenerationChanges } from "../../src/projections/projection_store.ts";
import { ProjectionUnavailableError } from "../../src/projections/errors.ts";
import { SqliteGeneration } from "../../src/projections/sqlite_generation.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("a generation tells when the database is about to take long, and when it is done", async () => {
  using dir = new TempDir();
  const told: string[] = [];
  using generation = SqliteGeneration.create({
    file: dir.file("000001.building.sqlite"),
    number: 1,
    displayName: "000001.building.sqlite",
    use: "building",
    onStoring() {
      told.push("storing");
      return { [Symbol.dispose]: () => void told.push("stored") };
    },
  }, { projectionName: "One", version: 1, fingerprint: "f", storeId: "s" });
  const changes = { documents: [], related: [] };
  await generation.stage(changes);
  assertEquals(told, []);
  await generation.commit({
    ...changes,
    checkpoint: 1,
    documentsDelta: 0,
    eventsDelta: 0,
  });
  assertEquals(told, ["storing", "stored"]);
  generation.makeFindable();
  // Documents and related events are found by indexes of their own.
  assertEquals(told.slice(2), ["storing", "stored", "storing", "stored"]);
  generation.makeFindable();
  assertEquals(told.length, 6);
});

/** Changes of every kind, the n-th. */
function changesOf(n: number): GenerationChanges {
  return {
    documents: [{ key: `k${n}`, text: "{}", tagsAdded: [], tagsRemoved: [] }],
    related: [],
    deadLetters: [{
      position: n,
      key: null,
      eventType: "T",
      message: "",
      reason: "failed",
    }],
    checkpoint: n,
    documentsDelta: 1,
    eventsDelta: 1,
  };
}

Deno.test("documents, dead letters and checkpoint are committed together, whichever of them fails", async () => {
  using dir = new TempDir();
  const file = dir.file("000001.building.sqlite");
  using generation = SqliteGeneration.create({
    file,
    number: 1,
    displayName: "000001.building.sqlite",
    use: "building",
  }, { projectionName: "One", version: 1, fingerprint: "f", storeId: "s" });
  await generation.commit(changesOf(1));
  /** As it is in the file, past the generation. */
  const stored = () => {
    using database = new DatabaseSync(file);
    const all = (sql: string) =>
      database.prepare(sql).all().map((row) => Object.values(row)[0]);
    return [
      all("SELECT key FROM documents ORDER BY key"),
      all("SELECT position FROM dead_letters ORDER BY position"),
      all("SELECT value FROM meta WHERE name = 'checkpoint'"),
    ];
  };
  const before = stored();
  assertEquals(before, [["k1"], [1], [1]]);
  const failures = ["INSERT ON dead_letters", "INSERT ON documents"]
    .concat("UPDATE ON meta");
  for (const failure of failures) {
    using database = new DatabaseSync(file);
    database.exec(
      `CREATE TRIGGER failing BEFORE ${failure} BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    await assertRejects(() => generation.commit(changesOf(2)), Error, "no");
    assertEquals(stored(), before, failure);
    database.exec("DROP TRIGGER failing");
  }
  await generation.commit(changesOf(2));
  assertEquals(stored(), [["k1", "k2"], [1, 2], [2]]);
});

Deno.test("half of a character finds nothing, as it does in memory", async () => {
  using dir = new TempDir();
  using generation = SqliteGeneration.create({
    file: dir.file("000001.building.sqlite"),
    number: 1,
    displayName: "000001.building.sqlite",
    use: "building",
  }, { projectionName: "One", version: 1, fingerprint: "f", storeId: "s" });
  // What the database takes half of a character for.
  const whole = "x\ufffd";
  await generation.commit({
    documents: [{ key: whole, text: "1", tagsAdded: [whole], tagsRemoved: [] }],
    related: [{ tags: [whole], position: 1, text: "{}" }],
    checkpoint: 1,
    documentsDelta: 1,
    eventsDelta: 1,
  });
  for (const [text, count] of [[whole, 1], ["x\ud83d", 0]] as const) {
    const request = { after: undefined, limit: 2, backwards: false, tag: text };
    const { documents } = await generation.page(request);
    assertEquals((await generation.getMany([text])).size, count);
    assertEquals(documents.length, count);
    assertEquals((await generation.related([text])).get(text)?.length, count);
  }
});

Deno.test("SqliteGeneration.open() tells a file that cannot be opened just now from a damaged one", () => {
  using dir = new TempDir();
  const options = {
    file: dir.file("000001.sqlite"),
    number: 1,
    displayName: "000001.sqlite",
    use: "changing",
  } as const;
  const identity = { version: 1, fingerprint: "f", storeId: "s" };
  SqliteGeneration.create(options, { projectionName: "One", ...identity })
    .close();
  // SQLite cannot open its log, as when no descriptor is left.
  Deno.mkdirSync(`${options.file}-wal`);
  assertThrows(
    () => SqliteGeneration.open(options, "One"),
    ProjectionUnavailableError,
  );
});

Deno.test("related() refuses a related event that is not what was written, and says so", async () => {
  using dir = new TempDir();
  const options = {
    file: dir.file("000001.sqlite"),
    number: 1,
    displayName: "000001.sqlite",
  };
  const identity = {
    projectionName: "One",
    version: 1,
    fingerprint: "f",
    storeId: "s",
  };
  const building = SqliteGeneration.create(
    { ...options, use: "building" },
    identity,
  );
  const related = [1, 2].map((position) => ({
    tags: [`n:${position}`],
    position,
    text: `{"n":${position}}`,
  }));
  await building.commit({
    documents: [],
    related,
    checkpoint: 2,
    documentsDelta: 0,
    eventsDelta: 2,
  });
  building.complete("2026-01-01T00:00:00.000Z");
  {
    using database = new DatabaseSync(options.file);
    database.exec(
      `UPDATE related_events SET event = '{"n":3}' WHERE event = '{"n":2}'`,
    );
  }
  const damages: string[] = [];
  using generation = SqliteGeneration.open({
    ...options,
    use: "serving",
    onDamage: ({ file }) => void damages.push(file),
  }, "One");
  const found = await generation.related(["n:1"]);
  assertEquals(found.get("n:1"), ['{"n":1}']);
  assertEquals(damages, []);
  await assertRejects(
    () => generation.related(["n:2"]),
    ProjectionDamagedError,
  );
  assertEquals(damages, ["000001.sqlite"]);
});

Deno.test("a generation that is thrown away has no file beside it, which nobody would sweep after a kill", async () => {
  using dir = new TempDir();
  const generation = SqliteGeneration.create(
    {
      file: dir.file("a.scratch.tmp"),
      number: 1,
      displayName: "a",
      use: "scratch",
    },
    { projectionName: "a", version: 1, fingerprint: "", storeId: "" },
  );
  using _closed = generation;
  const write = async (text: string, checkpoint: number) => {
    const documents = [{ key: "a", text, tagsAdded: [], tagsRemoved: [] }];
    await generation.stage({ documents, related: [] });
    assertEquals(dir.list(), ["a.scratch.tmp"]);
    await generation.commit({
      documents: [],
      related: [],
      checkpoint,
      documentsDelta: checkpoint === 1 ? 1 : 0,
      eventsDelta: 1,
    });
    assertEquals(dir.list(), ["a.scratch.tmp"]);
  };
  await write("{}", 1);
  // What is there already is changed.
  await write('{"a":1}', 2);
});
