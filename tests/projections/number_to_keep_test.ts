import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { numberToKeep } from "../../src/projections/number_to_keep.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import { QUIET, SUMS } from "../rebuild/generation_fixture.ts";

const FOLDER = "projections/One";
const FIRST = `${FOLDER}/000001.sqlite`;
const SECOND = `${FOLDER}/000002.sqlite`;

/** A folder in which two generations were built, and the log that they were made of. */
async function filled(dir: TempDir): Promise<MemoryEventStore> {
  const events = new MemoryEventStore();
  await events.append(counts(9));
  await using opossum = openOverMemory(dir.path, [SUMS], QUIET, events);
  await opossum.rebuilder.rebuild("One");
  await opossum.rebuilder.rebuild("One");
  return events;
}

function open(
  dir: TempDir,
  events: MemoryEventStore,
  disk?: FaultyFileSystem,
): MemoryFixture {
  return openOverMemory(dir.path, [SUMS], QUIET, events, disk);
}

function generationsIn(dir: TempDir): string[] {
  return dir.list(FOLDER).filter((name) => name.endsWith(".sqlite"));
}

function sql(file: string, text: string): void {
  using database = new DatabaseSync(file);
  database.exec(text);
}

async function numbersOf(
  { projections }: MemoryFixture,
): Promise<[number | null, number | null]> {
  const { generation, previousGeneration } = await projections.info("One");
  return [generation, previousGeneration];
}

/** What a scrub, or a read, comes upon. */
const DAMAGES: Readonly<Record<string, (file: string) => void>> = {
  "in which a scrub found damage": (file) =>
    damageDocuments(file, [{ kind: "change", at: 0 }]),
  "whose checkpoint was changed": (file) =>
    sql(file, "UPDATE meta SET value = 7 WHERE name = 'checkpoint'"),
  "whose file is none": (file) =>
    Deno.writeTextFileSync(file, "x".repeat(20_000)),
  "whose file is missing": (file) => Deno.removeSync(file),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  Deno.test(`a rebuild does not keep a generation ${what}: the next scrub finds nothing`, async () => {
    using dir = new TempDir();
    const events = await filled(dir);
    damage(dir.file(SECOND));
    await using opossum = open(dir, events);
    assert(!(await opossum.scrubber.scrub()).ok);
    assert((await opossum.rebuilder.rebuild("One")).success);
    assertEquals(await numbersOf(opossum), [3, null]);
    assertEquals(generationsIn(dir), ["000003.sqlite"]);
    assert((await opossum.scrubber.scrub()).ok);
    // From then on as ever.
    assert((await opossum.rebuilder.rebuild("One")).success);
    assertEquals(await numbersOf(opossum), [4, 3]);
  });
}

Deno.test("a rebuild keeps a generation that is sound", async () => {
  using dir = new TempDir();
  const events = await filled(dir);
  await using opossum = open(dir, events);
  assert((await opossum.rebuilder.rebuild("One")).success);
  assertEquals(await numbersOf(opossum), [3, 2]);
  assertEquals(generationsIn(dir), ["000002.sqlite", "000003.sqlite"]);
});

Deno.test("numberToKeep() keeps what another process has to itself just now", async () => {
  using dir = new TempDir();
  await filled(dir);
  using other = new DatabaseSync(dir.file(SECOND));
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  const current = { generation: 2, previous: 1, rolledBack: null };
  assertEquals(numberToKeep(current, () => dir.file(SECOND)), 2);
  other.exec("COMMIT");
});

Deno.test("a rebuild keeps a generation of another format, for the version that wrote it", async () => {
  using dir = new TempDir();
  const events = await filled(dir);
  sql(dir.file(SECOND), "UPDATE meta SET value = 99 WHERE name = 'format'");
  await using opossum = open(dir, events);
  assert((await opossum.rebuilder.rebuild("One")).success);
  assertEquals(await numbersOf(opossum), [3, 2]);
});

Deno.test("what a crash leaves of a generation that is not kept is of no use, and goes with the next rebuild", async () => {
  using dir = new TempDir();
  const events = await filled(dir);
  damageDocuments(dir.file(SECOND), [{ kind: "change", at: 0 }]);
  const disk = new FaultyFileSystem();
  {
    await using opossum = open(dir, events, disk);
    assert(!(await opossum.scrubber.scrub()).ok);
    // As if the process had ended once the new one served.
    disk.inject({ kind: "remove", path: "000001.sqlite", code: "EIO" });
    disk.inject({ kind: "remove", path: "000002.sqlite", code: "EIO" });
    assert((await opossum.rebuilder.rebuild("One")).success);
  }
  assert(generationsIn(dir).length > 1);
  await using opossum = open(dir, events);
  assertEquals(await numbersOf(opossum), [3, null]);
  assert((await opossum.scrubber.scrub()).ok);
  assertEquals(
    (await opossum.projections.generations("One")).map(({ number }) => number),
    [3],
  );
  assert((await opossum.rebuilder.rebuild("One")).success);
  assertEquals(generationsIn(dir), ["000003.sqlite", "000004.sqlite"]);
});

Deno.test("a damaged generation is deleted only after the new one serves", async () => {
  using dir = new TempDir();
  const events = await filled(dir);
  damageDocuments(dir.file(SECOND), [{ kind: "change", at: 0 }]);
  const disk = new FaultyFileSystem();
  await using opossum = open(dir, events, disk);
  assert(!(await opossum.scrubber.scrub()).ok);
  disk.forget();
  assert((await opossum.rebuilder.rebuild("One")).success);
  const done = disk.operations.filter(({ path }) => path.includes(FOLDER));
  const named = done.findIndex(({ kind, path }) =>
    kind === "rename" && /current\.json/.test(path)
  );
  const deleted = [FIRST, SECOND].map((file) =>
    done.findIndex(({ kind, path }) => kind === "remove" && path.endsWith(file))
  );
  assert(named >= 0);
  for (const at of deleted) assert(at > named, `${at} and ${named}`);
});
