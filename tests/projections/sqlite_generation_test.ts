import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { ProjectionDamagedError } from "../../mod.ts";
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
