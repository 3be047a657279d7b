import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  IdempotencyKeyError,
  RebuildQueueFullError,
  UnknownProjectionError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { holdSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";

const KEY = "secret-key-of-a-client";
const definitions = () =>
  ["One", "Two"].map((name) => countingProjection(name));

Deno.test("start() with a key starts once: concurrently, later, and after a restart", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const asked = { idempotencyKey: KEY, note: "Once", requestedBy: "alice" };
  let id: string;
  {
    await using opossum = openOverMemory(dir.path, definitions(), {}, log);
    const { rebuilder } = opossum;
    const started = await Promise.all(
      [1, 2, 3].map(() => rebuilder.start(["One", "Two"], asked)),
    );
    const ids = new Set(started.map((operation) => operation.id));
    assertEquals(ids.size, 1);
    id = [...ids].join();
    // Said otherwise, it is the same request.
    const again = await rebuilder.start(["Two", "One", "Two"], asked);
    assertEquals(again.id, id);
    await rebuilder.wait(id);
    assertEquals(
      (await rebuilder.start(["One", "Two"], asked)).state,
      "succeeded",
    );
  }
  await using opossum = openOverMemory(dir.path, definitions(), {}, log);
  const { rebuilder } = opossum;
  const found = await rebuilder.start(["One", "Two"], asked);
  assertEquals([found.id, found.state], [id, "succeeded"]);
  assertEquals((await rebuilder.listOperations()).length, 1);
  assertEquals((await opossum.projections.info("One")).generation, 1);
  // Neither the key nor its digest is anybody's business.
  assert(!("idempotency" in found));
  const files = dir.list("operations").map((name) =>
    Deno.readTextFileSync(dir.file(`operations/${name}`))
  );
  assert(!files.join().includes(KEY));
});

Deno.test("start() refuses a key that stands for another request", async () => {
  using dir = new TempDir();
  const writing = holdSync("/operations/");
  await using opossum = openOverMemory(
    dir.path,
    definitions(),
    {},
    undefined,
    writing.fileSystem,
  );
  const { rebuilder } = opossum;
  const options = { idempotencyKey: KEY };
  const first = rebuilder.start(["One"], options);
  await writing.reached;
  const early = await assertRejects(
    () => rebuilder.start(["Two"], options),
    IdempotencyKeyError,
  );
  assertEquals(early.operationId, null);
  assert(!early.message.includes(KEY));
  writing.release();
  const { id } = await first;
  for (
    const [names, more] of [
      [["Two"], {}],
      [undefined, {}],
      [["One"], { note: "Another" }],
      [["One"], { priority: 1 }],
    ] as const
  ) {
    const error = await assertRejects(
      () => rebuilder.start(names, { ...options, ...more }),
      IdempotencyKeyError,
    );
    assertEquals(error.operationId, id);
  }
  // Keys of different callers have nothing to do with each other.
  const other = await rebuilder.start(["Two"], {
    ...options,
    requestedBy: "bob",
  });
  assert(other.id !== id);
  await Promise.all([rebuilder.wait(id), rebuilder.wait(other.id)]);
});

Deno.test("a key whose request failed can be used again", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, definitions());
  const { rebuilder } = opossum;
  const options = { idempotencyKey: KEY };
  await assertRejects(
    () => rebuilder.start(["Nope"], options),
    UnknownProjectionError,
  );
  const { id } = await rebuilder.start(["One"], options);
  assert((await rebuilder.wait(id))?.success);
  for (const key of ["", "a b", "ä", "x".repeat(256)]) {
    await assertRejects(
      () => rebuilder.start(["One"], { idempotencyKey: key }),
      RangeError,
      "'idempotencyKey' must have 1 to 255",
    );
  }
});

Deno.test("no more operations are begun than rebuildQueueMax, but for what the process starts itself", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, definitions(), {
    rebuildQueueMax: 2,
  });
  const { rebuilder, daemon, projections } = opossum;
  await opossum.events.append(counts(10));
  const ids: string[] = [];
  for (let count = 0; count < 2; count++) {
    const { id } = await rebuilder.start(["One"]);
    await rebuilder.pause(id);
    ids.push(id);
  }
  const error = await assertRejects(
    () => rebuilder.start(["One"]),
    RebuildQueueFullError,
    "2 operations are under way already",
  );
  assertEquals(error.limit, 2);
  assertEquals((await rebuilder.listOperations()).length, 2);
  await daemon.start();
  await daemon.whenStarted();
  assertEquals((await projections.info("Two")).state, "ready");
  for (const id of ids) await rebuilder.cancel(id);
  assert((await rebuilder.rebuild("One")).success);
});

Deno.test("the history forgets the oldest, but none that is paused", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, definitions());
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"]);
  await rebuilder.pause(id);
  const names = dir.list("operations");
  const [name = ""] = names;
  const text = Deno.readTextFileSync(dir.file(`operations/${name}`));
  // A thousand that came later.
  for (let count = 0; count < 1_000; count++) {
    const newer = count.toString(16).padStart(32, "0");
    const startedMs = String(Date.now() + count).padStart(15, "0");
    Deno.writeTextFileSync(
      dir.file(`operations/${startedMs}-${newer}.json`),
      JSON.stringify({
        ...JSON.parse(text),
        id: newer,
        state: "cancelled",
        pausedAt: null,
      }),
    );
  }
  const later = await rebuilder.rebuild("Two");
  assert(later.success);
  assertEquals(dir.list("operations").length, 1_001);
  assert(dir.list("operations").includes(name));
  await rebuilder.cancel(id);
  await rebuilder.rebuild("Two");
  assertEquals(dir.list("operations").length, 1_000);
});
