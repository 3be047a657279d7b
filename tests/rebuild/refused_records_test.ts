/**
 * What was refused as it could not be written down for sure is not found by the next process, even
 * where the file itself was written.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import {
  OperationNotRecordedError,
  RebuildNotStartedError,
} from "../../mod.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import { counts, openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { AWAIT, QUIET, SUMS, whenAwaiting } from "./generation_fixture.ts";

/** The name of the file is not durable for sure: it may be there after a power cut, or not. */
const UNSURE = {
  kind: "syncDirectory",
  path: "/operations",
  code: "EIO",
} as const;

async function open(dir: TempDir) {
  const disk = new FaultyFileSystem();
  const events = new MemoryEventStore();
  await events.append(counts(6));
  const opossum = openOverMemory(dir.path, [SUMS], QUIET, events, disk);
  /** What the next process would find, were this one killed now. */
  const found = async () => {
    await using other = openOverMemory(dir.path, [SUMS], QUIET, events);
    return await other.rebuilder.listOperations();
  };
  /** Starts a build, and resolves when it waits and that is written down. */
  const awaiting = async () => {
    const { id } = await opossum.rebuilder.start(["One"], AWAIT);
    await whenAwaiting(opossum, id);
    const saves = () =>
      disk.operations.filter(({ kind, path }) =>
        kind === UNSURE.kind && path.includes(UNSURE.path)
      ).length;
    while (saves() < 2) await setImmediate();
    return id;
  };
  return {
    ...opossum,
    disk,
    awaiting,
    found,
    [Symbol.asyncDispose]: () => opossum[Symbol.asyncDispose](),
  };
}

Deno.test("start() that is refused leaves nothing to be continued", async () => {
  using dir = new TempDir();
  await using opossum = await open(dir);
  const { rebuilder, disk, found } = opossum;
  await rebuilder.rebuildAll();
  disk.inject(UNSURE);
  await assertRejects(() => rebuilder.start(["One"]), RebuildNotStartedError);
  const ids = async () =>
    (await rebuilder.listOperations()).map(({ id }) => id);
  assertEquals((await ids()).length, 1);
  assertEquals((await found()).map(({ state }) => state), ["succeeded"]);
});

Deno.test("pause() and resume() that are refused are not found by the next process", async () => {
  using dir = new TempDir();
  await using opossum = await open(dir);
  const { rebuilder, disk, found } = opossum;
  const id = await opossum.awaiting();
  for (const action of ["pause", "resume"] as const) {
    disk.inject(UNSURE);
    await assertRejects(
      () => rebuilder[action](id),
      OperationNotRecordedError,
    );
    const [operation] = await found();
    assertEquals(operation?.pausedAt === null, action === "pause", action);
    await rebuilder[action](id);
  }
  await rebuilder.cancel(id);
});

Deno.test("promote() that is refused is not found by the next process", async () => {
  using dir = new TempDir();
  await using opossum = await open(dir);
  const { rebuilder, disk, found } = opossum;
  const id = await opossum.awaiting();
  disk.inject(UNSURE);
  await assertRejects(() => rebuilder.promote(id), RebuildNotStartedError);
  assertEquals((await found())[0]?.promotedAt, null);
  await rebuilder.cancel(id);
});

Deno.test("an old operation that cannot be deleted is no reason not to write down a new one", async () => {
  using dir = new TempDir();
  await using opossum = await open(dir);
  const { rebuilder, disk } = opossum;
  await rebuilder.rebuildAll();
  const [name = ""] = dir.list("operations");
  const text = Deno.readTextFileSync(dir.file(`operations/${name}`));
  for (let count = 0; count < 1_000; count++) {
    const id = count.toString(16).padStart(32, "0");
    Deno.writeTextFileSync(
      dir.file(`operations/${String(count).padStart(15, "0")}-${id}.json`),
      JSON.stringify({ ...JSON.parse(text), id }),
    );
  }
  disk.inject({
    kind: "remove",
    path: "/operations",
    times: Infinity,
    code: "EIO",
  });
  assertEquals((await rebuilder.rebuild("One")).state, "succeeded");
});
