import { assert, assertEquals } from "@std/assert";
import { fingerprintOf } from "../../src/projections/fingerprint.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { systemClock } from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("cancel() ends a paused operation whose build another one waits for", async () => {
  using dir = new TempDir();
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  await using opossum = openOverMemory(dir.path, definitions);
  const { rebuilder } = opossum;
  await opossum.events.append(counts(10));
  const first = await rebuilder.start(["One", "Two"]);
  await rebuilder.pause(first.id);
  const second = await rebuilder.start(["One"]);
  assert(await rebuilder.cancel(first.id));
  assertEquals((await rebuilder.wait(first.id))?.state, "cancelled");
  assert((await rebuilder.wait(second.id))?.success);
});

Deno.test("a build that two operations paused goes on when both let it", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  const { rebuilder } = opossum;
  await opossum.events.append(counts(10));
  const first = await rebuilder.start(["One"]);
  await rebuilder.pause(first.id);
  const second = await rebuilder.start(["One"]);
  await rebuilder.pause(second.id);
  await rebuilder.resume(first.id);
  assertEquals((await rebuilder.getOperation(second.id))?.state, "paused");
  await rebuilder.resume(second.id);
  assert((await rebuilder.wait(first.id))?.success);
});

/** Does something whenever it is asked for its head. */
class WatchedStore extends MemoryEventStore {
  onHead: () => Promise<void> = () => Promise.resolve();

  override async head(): Promise<number> {
    await this.onHead();
    return await super.head();
  }
}

Deno.test("pause() does not hold up a swap, which holds the lock of live updates", async () => {
  using dir = new TempDir();
  const events = new WatchedStore();
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    events,
  );
  const { rebuilder } = opossum;
  await events.append(counts(10));
  const { id } = await rebuilder.start(["One"]);
  let paused = false;
  events.onHead = async () => {
    const operation = paused ? undefined : await rebuilder.getOperation(id);
    if (operation?.progress[0]?.phase !== "swapping") return;
    paused = true;
    await rebuilder.pause(id);
    // Something for the swap to read.
    await events.append(counts(1));
  };
  const result = await rebuilder.wait(id);
  assert(paused && result?.success);
  assertEquals(result.details[0]?.checkpoint, 11);
});

Deno.test("an interrupted build that is ahead of the log is not continued", async () => {
  using dir = new TempDir();
  const definition = countingProjection("One");
  {
    await using store = new SqliteProjectionStore({
      directory: dir.file("projections"),
      fileSystem: denoFileSystem,
      clock: systemClock,
    });
    await using build = await store.begin({
      projectionName: "One",
      version: 1,
      fingerprint: fingerprintOf(definition),
      storeId: "11111111-2222-4333-8444-555555555555",
    }, { resume: false });
    await build.generation.commit({
      documents: [
        { key: "z", text: '{"sum":1}', tagsAdded: [], tagsRemoved: [] },
      ],
      related: [],
      checkpoint: 15,
      documentsDelta: 1,
      eventsDelta: 15,
    });
  }
  await using opossum = openOverMemory(dir.path, [definition]);
  await opossum.events.append(counts(10));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.details[0]?.reason, "interrupted");
  assertEquals(result.details[0]?.checkpoint, 10);
  assertEquals(await opossum.projections.get("One", "z"), undefined);
  assertEquals((await opossum.projections.info("One")).state, "ready");
});
