import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { ProjectionDamagedError } from "../../src/projections/errors.ts";
import type { Generation } from "../../src/projections/projection_store.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { systemClock } from "../../src/events/clock.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = ["A", "B", "C", "D", "E"];
const OPEN_MAX = { serving: 3, changing: 2 };

async function openStore(path: string): Promise<SqliteProjectionStore> {
  const store = new SqliteProjectionStore({
    directory: path,
    fileSystem: denoFileSystem,
    clock: systemClock,
    openMax: OPEN_MAX,
  });
  for (const projectionName of NAMES) {
    const identity = {
      projectionName,
      version: 1,
      fingerprint: "f",
      storeId: "s",
    };
    await using build = await store.begin(identity, { resume: false });
    await build.swapIn();
  }
  return store;
}

async function areOpen(generations: Iterable<Generation>): Promise<boolean[]> {
  const outcomes = await Promise.allSettled(
    [...generations].map((generation) => generation.status()),
  );
  return outcomes.map(({ status }) => status === "fulfilled");
}

Deno.test("a projection store keeps only so many databases open, those used last", async () => {
  using dir = new TempDir();
  await using store = await openStore(dir.path);
  const serving: Generation[] = [];
  const changing: Generation[] = [];
  const keep = (list: Generation[]) => (generation: Generation) => {
    list.push(generation);
    return Promise.resolve();
  };
  for (const name of NAMES) await store.withCurrent(name, keep(serving));
  assertEquals(await areOpen(serving), [false, false, true, true, true]);
  for (const name of ["C", "D", "E"]) {
    await store.changeCurrent(name, keep(changing));
  }
  assertEquals(await areOpen(changing), [false, true, true]);
  // Whatever was closed is opened again.
  for (const name of NAMES) {
    const status = await store.withCurrent(name, (one) => one.status());
    assertEquals(status.checkpoint, 0);
  }
});

Deno.test("a projection store closes no database that is in use, and more of them afterwards", async () => {
  using dir = new TempDir();
  await using store = await openStore(dir.path);
  const { promise, resolve } = Promise.withResolvers<void>();
  const inUse: Generation[] = [];
  const uses = NAMES.map((name) =>
    store.withCurrent(name, async (generation) => {
      inUse.push(generation);
      await promise;
      await generation.status();
    })
  );
  const changing: Generation[] = [];
  const changes = NAMES.map((name) =>
    store.changeCurrent(name, async (generation) => {
      changing.push(generation);
      await promise;
      await generation.status();
    })
  );
  assertEquals(await areOpen(inUse), NAMES.map(() => true));
  assertEquals(await areOpen(changing), NAMES.map(() => true));
  resolve();
  await Promise.all([...uses, ...changes]);
  const open = (await areOpen(inUse)).filter((isOpen) => isOpen).length;
  assert(open <= OPEN_MAX.serving, `${open} are open`);
  const [first] = inUse;
  if (first) await assertRejects(() => first.status());
});

Deno.test("a projection store shows what is written to a file that was put in the place of an open one", async () => {
  using dir = new TempDir();
  await using store = await openStore(dir.path);
  const [name = ""] = NAMES;
  const checkpointOf = () =>
    store.withCurrent(
      name,
      async (one) => (await one.status()).checkpoint,
    );
  assertEquals(await checkpointOf(), 0);
  // As a backup that is put back under a running process.
  const file = dir.file(`${name}/000001.sqlite`);
  Deno.copyFileSync(file, `${file}.copy`);
  Deno.renameSync(`${file}.copy`, file);
  await store.changeCurrent(name, (generation) =>
    generation.commit({
      documents: [],
      related: [],
      checkpoint: 7,
      documentsDelta: 0,
      eventsDelta: 7,
    }));
  {
    // Out of the log of changes, which is found by its name, into the file itself.
    const database = new DatabaseSync(file);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
  }
  assertEquals(await checkpointOf(), 7);
});

Deno.test("damage that is found in a generation that does not serve any more is nobody's business", async () => {
  using dir = new TempDir();
  await using store = await openStore(dir.path);
  const told: string[] = [];
  using _listening = store.onDamage((name) => void told.push(name));
  {
    using database = new DatabaseSync(`${dir.path}/A/000001.sqlite`);
    database.exec(
      "INSERT INTO documents (key, state, sum) VALUES ('a', '1', 1)",
    );
  }
  const get = (generation: Generation) => generation.getMany(["a"]);
  await store.withCurrent("A", async (generation) => {
    await using build = await store.begin(generation.identity, {
      resume: false,
    });
    await build.swapIn();
    await assertRejects(() => get(generation), ProjectionDamagedError);
  });
  assertEquals((await store.withCurrent("A", get)).size, 0);
  assertEquals(told, []);
  {
    using database = new DatabaseSync(`${dir.path}/A/000002.sqlite`);
    database.exec(
      "INSERT INTO documents (key, state, sum) VALUES ('a', '1', 1)",
    );
  }
  for (let i = 0; i < 2; i++) {
    await assertRejects(
      () => store.withCurrent("A", get),
      ProjectionDamagedError,
    );
  }
  assertEquals(told, ["A"]);
});
