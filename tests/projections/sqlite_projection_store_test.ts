import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  systemClock,
} from "../../mod.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const IDENTITY = {
  projectionName: "One",
  version: 1,
  fingerprint: "f",
  storeId: "s",
};
const FRESH = { resume: false };

function open(
  dir: TempDir,
  fileSystem: FileSystem = denoFileSystem,
): SqliteProjectionStore {
  return new SqliteProjectionStore({
    directory: dir.path,
    fileSystem,
    clock: systemClock,
  });
}

/** Builds a generation of one document and swaps it in. */
async function swapIn(
  store: SqliteProjectionStore,
  text: string,
): Promise<void> {
  await using build = await store.begin(IDENTITY, FRESH);
  await commit(build.generation, text, 1);
  await build.swapIn();
}

async function commit(
  generation: Awaited<ReturnType<SqliteProjectionStore["begin"]>>["generation"],
  text: string,
  checkpoint: number,
): Promise<void> {
  await generation.commit({
    documents: [{ key: "k", text, tagsAdded: [], tagsRemoved: [] }],
    related: [],
    checkpoint,
    documentsDelta: 1,
    eventsDelta: 1,
  });
}

async function read(store: SqliteProjectionStore): Promise<string | undefined> {
  const texts = await store.withCurrent(
    "One",
    (current) => current.getMany(["k"]),
  );
  return texts.get("k");
}

Deno.test("a build is invisible until it is swapped in, also to other objects", async () => {
  using dir = new TempDir();
  await using writer = open(dir);
  await using reader = open(dir);
  await assertRejects(() => read(reader), ProjectionNotBuiltError);
  await swapIn(writer, '"first"');
  assertEquals(await read(reader), '"first"');
  await using build = await writer.begin(IDENTITY, FRESH);
  await commit(build.generation, '"second"', 2);
  assertEquals([await read(writer), await read(reader)], [
    '"first"',
    '"first"',
  ]);
  await build.swapIn();
  assertEquals([await read(writer), await read(reader)], [
    '"second"',
    '"second"',
  ]);
});

Deno.test("the current and the previous generation are kept, older ones go", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  for (const text of ['"1"', '"2"', '"3"']) await swapIn(store, text);
  assertEquals(await store.numbers("One"), {
    current: 3,
    previous: 2,
    rolledBack: null,
  });
  const files = [...Deno.readDirSync(dir.file("One"))].map(({ name }) => name)
    .filter((name) => name.endsWith(".sqlite")).sort();
  assertEquals(files, ["000002.sqlite", "000003.sqlite"]);
});

Deno.test("an action keeps its generation although others are swapped in meanwhile", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  await swapIn(store, '"old"');
  const texts = await store.withCurrent("One", async (generation) => {
    await swapIn(store, '"new"');
    await swapIn(store, '"newest"');
    assertEquals(await read(store), '"newest"');
    return await generation.getMany(["k"]);
  });
  assertEquals(texts.get("k"), '"old"');
});

Deno.test("a snapshot stays as it was although others are swapped in meanwhile", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  await swapIn(store, '"old"');
  const snapshot = store.snapshot("One");
  const first = await snapshot.next();
  await swapIn(store, '"new"');
  await swapIn(store, '"newest"');
  assertEquals(first.value?.text, '"old"');
  assert((await snapshot.next()).done);
});

Deno.test("an interrupted build goes on from its last commit, if it is of the same definition", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  {
    await using build = await store.begin(IDENTITY, FRESH);
    await commit(build.generation, '"half"', 7);
  }
  assert(await store.hasInterruptedBuild(IDENTITY));
  for (
    const other of [{ version: 2 }, { fingerprint: "g" }, { storeId: "t" }]
  ) {
    assert(!await store.hasInterruptedBuild({ ...IDENTITY, ...other }));
  }
  await using resumed = await store.begin(IDENTITY, { resume: true });
  assert(resumed.resumed);
  assertEquals((await resumed.generation.status()).checkpoint, 7);
});

Deno.test("a build that was complete but not yet current is taken up again", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  await swapIn(store, '"whole"');
  // As after a crash right before `current.json` was written.
  Deno.removeSync(dir.file("One/current.json"));
  await using reopened = open(dir);
  await assertRejects(() => read(reopened), ProjectionNotBuiltError);
  await using build = await reopened.begin(IDENTITY, { resume: true });
  assertEquals((await build.generation.status()).checkpoint, 1);
  await build.swapIn();
  assertEquals(await read(reopened), '"whole"');
});

Deno.test("damage of any file is named, and a new build heals it", async () => {
  const damages: [string, (path: string) => void][] = [
    ["One/current.json", (path) => Deno.writeTextFileSync(path, "")],
    [
      "One/current.json",
      (path) => Deno.writeTextFileSync(path, '{"generation":0}'),
    ],
    ["One/000001.sqlite", (path) => Deno.removeSync(path)],
    ["One/000001.sqlite", (path) => Deno.writeTextFileSync(path, "")],
    [
      "One/000001.sqlite",
      (path) => Deno.writeTextFileSync(path, "x".repeat(9_999)),
    ],
  ];
  for (const [file, damage] of damages) {
    using dir = new TempDir();
    {
      await using store = open(dir);
      await swapIn(store, '"before"');
    }
    damage(dir.file(file));
    await using store = open(dir);
    const error = await assertRejects(
      () => read(store),
      ProjectionDamagedError,
    );
    assertEquals(error.file, `projections/${file}`);
    await swapIn(store, '"healed"');
    assertEquals(await read(store), '"healed"');
  }
});

Deno.test("what SQLite left beside a deleted database is not taken for a new one's", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  Deno.mkdirSync(dir.file("One"));
  Deno.writeTextFileSync(dir.file("One/000001.building.sqlite-wal"), "stale");
  await swapIn(store, '"new"');
  assertEquals(await read(store), '"new"');
});

Deno.test("what SQLite left beside a database whose deletion a crash cut short is deleted", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  for (const text of ["1", "2", "3"]) await swapIn(store, text);
  const left = [
    "000001.sqlite-wal",
    "000001.sqlite-shm",
    "000004.building.sqlite-journal",
  ];
  for (const name of left) Deno.writeTextFileSync(dir.file(`One/${name}`), "x");
  // Of one that serves: the database is there.
  Deno.writeTextFileSync(dir.file("One/000002.sqlite-wal"), "");
  await using build = await store.begin(IDENTITY, FRESH);
  const names = [...Deno.readDirSync(dir.file("One"))].map(({ name }) => name);
  assertEquals(names.filter((name) => left.includes(name)), []);
  assert(names.includes("000002.sqlite-wal"));
  await build.discard();
});

Deno.test("the locks keep out whoever else wants them", async () => {
  using dir = new TempDir();
  await using one = open(dir);
  await using other = open(dir);
  {
    using _lock = one.tryLockBuild("One");
    assertEquals([one.tryLockBuild("One"), other.tryLockBuild("One")], [
      undefined,
      undefined,
    ]);
  }
  using lock = other.tryLockBuild("One");
  assert(lock !== undefined);
  using _live = await one.lockLive("One");
  await assertRejects(() => other.lockLive("One", AbortSignal.abort()));
});

Deno.test("a new build does not take the name of a discarded one, which a hung worker may still hold", async () => {
  using dir = new TempDir();
  await using store = open(dir);
  await using hung = await store.begin(IDENTITY, FRESH);
  const { generation } = hung;
  await generation.stage({
    documents: [{ key: "k", text: '"hung"', tagsAdded: [], tagsRemoved: [] }],
    related: [],
  });
  await using given = await store.begin(IDENTITY, FRESH);
  await commit(given.generation, '"given"', 1);
  // With the same name, this would delete the journal of the new build.
  await commit(generation, '"hung"', 1).catch(() => {});
  await given.swapIn();
  assertEquals(await read(store), '"given"');
  assert(given.generation.number > generation.number);
});

Deno.test("a build that cannot read which generation serves deletes none of those that are complete", async () => {
  for (const code of ["EIO", "EMFILE"]) {
    using dir = new TempDir();
    const fileSystem = new FaultyFileSystem();
    const directory = dir.path;
    await using store = new SqliteProjectionStore({
      directory,
      fileSystem,
      clock: systemClock,
    });
    for (const text of ['"1"', '"2"']) await swapIn(store, text);
    for (const resume of [true, false]) {
      const path = "current.json";
      fileSystem.inject({ path, code, times: Infinity });
      const begun = await store.begin(IDENTITY, { resume })
        .catch((error) => assert(error instanceof Error));
      await begun?.discard();
      fileSystem.heal();
      assertEquals(await read(store), '"2"', code);
      const { current, previous } = await store.numbers("One");
      assertEquals([current, previous], [2, 1]);
      const files = [...Deno.readDirSync(dir.file("One"))]
        .map(({ name }) => name).filter((name) => name.endsWith(".sqlite"));
      assertEquals(files.sort(), ["000001.sqlite", "000002.sqlite"], code);
    }
  }
});

Deno.test("a generation that serves is no failure, although the one before cannot be deleted", async () => {
  using dir = new TempDir();
  await using store = open(dir, {
    ...denoFileSystem,
    remove(path) {
      // As where somebody has it open, on some systems.
      if (path.endsWith("/000001.sqlite")) throw new Error("Busy");
      denoFileSystem.remove(path);
    },
  });
  for (const text of ["1", "2", "3"]) await swapIn(store, text);
  assertEquals(await read(store), "3");
});

Deno.test("discard() deletes a build that was not swapped in, however far that came", async () => {
  using dir = new TempDir();
  let isFull = false;
  await using store = open(dir, {
    ...denoFileSystem,
    rename(from, to) {
      if (isFull && to.endsWith("current.json")) throw new Error("Full");
      denoFileSystem.rename(from, to);
    },
  });
  await swapIn(store, "1");
  const before = [...Deno.readDirSync(dir.file("One"))].length;
  await using build = await store.begin(IDENTITY, FRESH);
  await commit(build.generation, "2", 1);
  isFull = true;
  await assertRejects(() => build.swapIn(), Error, "Full");
  await build.discard();
  assertEquals([...Deno.readDirSync(dir.file("One"))].length, before);
  assertEquals(await read(store), "1");
});

Deno.test("discard() leaves a generation that serves after all", async () => {
  using dir = new TempDir();
  let isFailing = false;
  await using store = open(dir, {
    ...denoFileSystem,
    rename(from, to) {
      denoFileSystem.rename(from, to);
      if (isFailing && to.endsWith("current.json")) throw new Error("Failed");
    },
  });
  await swapIn(store, "1");
  await using build = await store.begin(IDENTITY, FRESH);
  await commit(build.generation, "2", 1);
  isFailing = true;
  await assertRejects(() => build.swapIn(), Error, "Failed");
  await build.discard();
  assertEquals(await read(store), "2");
});

Deno.test("a generation that was served is not taken up again without what was written to it last", async () => {
  using dir = new TempDir();
  using crashed = new TempDir();
  await using store = open(dir);
  await swapIn(store, "1");
  {
    using _lock = await store.lockLive("One");
    await store.changeCurrent("One", async (generation) => {
      await commit(generation, "2", 2);
    });
  }
  Deno.mkdirSync(crashed.file("One"));
  for (const name of ["000001.sqlite", "000001.sqlite-wal"]) {
    Deno.copyFileSync(dir.file(`One/${name}`), crashed.file(`One/${name}`));
  }
  await using after = open(crashed);
  // The database alone may be half of what was being moved into it when the crash came.
  assert(!await after.hasInterruptedBuild(IDENTITY));
  await using build = await after.begin(IDENTITY, { resume: true });
  assert(!build.resumed);
});

Deno.test("generations(), scrub() and condemn() do not follow a symbolic link in place of a generation", async () => {
  using dir = new TempDir();
  using outside = new TempDir();
  {
    await using writer = open(dir);
    await swapIn(writer, '"first"');
  }
  const file = dir.file("One/000001.sqlite");
  Deno.renameSync(file, outside.file("stolen.sqlite"));
  Deno.symlinkSync(outside.file("stolen.sqlite"), file);
  const before = Deno.readFileSync(outside.file("stolen.sqlite"));
  await using store = open(dir);
  assertEquals(await store.generations("One"), []);
  const found = await store.care.scrub("One", () => Promise.resolve());
  assertEquals([found.state, found.documents], ["unavailable", 0]);
  assertStringIncludes(found.problem ?? "", "Symbolic links are not followed");
  store.care.condemn("One", "It is not ours");
  assertEquals(Deno.readFileSync(outside.file("stolen.sqlite")), before);
  assertEquals(outside.list(), ["stolen.sqlite"]);
});
