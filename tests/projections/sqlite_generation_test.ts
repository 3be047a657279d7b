import { assertEquals, assertThrows } from "@std/assert";
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
