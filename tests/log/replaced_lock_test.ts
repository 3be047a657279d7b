import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AppendFailedError,
  AppendOutcomeUnknownError,
} from "../../src/log/errors.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { LOCK_DISTURBANCES } from "../support/lock_disturbances.ts";
import { withSync } from "../support/slow_sync.ts";
import { copyFolder, event, range, TestFolder } from "./support.ts";

/** Every append but the first begins a segment. */
const SMALL = { segmentBytesMax: 64 };

/** Syncs of segments that wait, from when they are held on. */
class HeldSyncs {
  readonly fileSystem: FaultyFileSystem;
  #held: PromiseWithResolvers<void> | undefined;
  #reached = Promise.withResolvers<void>();
  #isFailing = false;

  constructor() {
    this.fileSystem = new FaultyFileSystem(
      withSync("/events/", async (next) => {
        this.#reached.resolve();
        await this.#held?.promise;
        if (this.#isFailing) throw new Error("EIO");
        await next();
      }),
    );
  }

  hold(): void {
    this.#held = Promise.withResolvers();
    this.#reached = Promise.withResolvers();
  }

  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  release({ fail = false } = {}): void {
    this.#isFailing = fail;
    this.#held?.resolve();
    this.#held = undefined;
  }
}

/** The types of all events by position, read by who opens the folder anew and finds it whole. */
async function readAnew(folder: TestFolder): Promise<string[]> {
  return await folder.with(async (store) => {
    assertEquals(store.readOnlyCause, undefined);
    assert((await store.verify()).ok);
    const events = await Array.fromAsync(store.read("all"));
    assertEquals(
      events.map(({ position }) => position),
      range(1, events.length),
    );
    return events.map(({ type }) => type);
  });
}

Deno.test("append() keeps positions in order whatever is done to the lock file under open stores", async () => {
  for (const disturb of LOCK_DISTURBANCES) {
    for (const [inA, inB] of [[SMALL, SMALL], [{}, SMALL], [{}, {}]]) {
      await using folder = new TestFolder();
      await using a = await folder.open(inA);
      await using b = await folder.open(inB);
      let last = 0;
      const appendTo = async (...stores: FileEventStore[]) => {
        for (const store of stores) {
          assertEquals((await store.append([event("A")])).first, ++last);
        }
      };
      await appendTo(a, b, a);
      disturb(`${folder.path}/lock`);
      await appendTo(b, b, b, a, b, a);
      await using c = await folder.open(inB);
      await appendTo(c, a, b, c, b, a);
      assertEquals((await readAnew(folder)).length, last);
    }
  }
});

Deno.test("append() gives a seat once whatever is done to the lock file while two stores ask", async () => {
  const condition = { failIfEventsMatch: { items: [{ tags: ["seat:1"] }] } };
  for (const disturb of LOCK_DISTURBANCES) {
    await using folder = new TestFolder();
    await using a = await folder.open();
    await a.append([event("A")]);
    disturb(`${folder.path}/lock`);
    await using b = await folder.open();
    const outcomes = await Promise.allSettled(
      [a, b].map((store) =>
        store.append([event("Claimed", ["seat:1"])], { condition })
      ),
    );
    assertEquals(outcomes.map(({ status }) => status).toSorted(), [
      "fulfilled",
      "rejected",
    ]);
    assertEquals(await readAnew(folder), ["A", "Claimed"]);
  }
});

Deno.test("append() whose sync fails takes back nothing when somebody else went on behind it", async () => {
  await using folder = new TestFolder();
  const syncs = new HeldSyncs();
  await using a = await folder.open({ fileSystem: syncs.fileSystem });
  await a.append([event("A")]);
  syncs.hold();
  const appending = assertRejects(
    () => a.append([event("Unknown")]),
    AppendOutcomeUnknownError,
  );
  await syncs.reached;
  Deno.removeSync(`${folder.path}/lock`);
  await folder.with(async (b) => {
    assertEquals((await b.append([event("B")])).first, 3);
    syncs.release({ fail: true });
    await appending;
    assertEquals((await b.append([event("B")])).first, 4);
  });
  assertEquals(await readAnew(folder), ["A", "Unknown", "B", "B"]);
});

Deno.test("append() is not sure, and takes back nothing, when somebody else wrote to its segment meanwhile", async () => {
  for (const code of [undefined, "ENOSPC"]) {
    await using folder = new TestFolder();
    const syncs = new HeldSyncs();
    const { fileSystem } = syncs;
    await using a = await folder.open({ ...SMALL, fileSystem });
    await a.append([event("A")]);
    syncs.hold();
    // Its new segment is there, and its name not yet durable.
    const appending = assertRejects(
      () => a.append([event("Unknown")]),
      AppendOutcomeUnknownError,
    );
    await syncs.reached;
    Deno.removeSync(`${folder.path}/lock`);
    await folder.with(async (b) => {
      assertEquals((await b.append([event("B")])).first, 2);
      if (code !== undefined) {
        fileSystem.inject({ kind: "append", path: "/events/", code });
      }
      syncs.release();
      await appending;
      assertEquals((await b.append([event("B")])).first, 3);
    });
    assertEquals(await readAnew(folder), ["A", "B", "B"]);
  }
});

Deno.test("append() stores nothing in a segment that somebody else sealed meanwhile", async () => {
  await using folder = new TestFolder();
  const syncs = new HeldSyncs();
  await using a = await folder.open({ fileSystem: syncs.fileSystem });
  await a.append([event("A")]);
  await folder.with((b) => b.append([event("B")]));
  syncs.hold();
  // It makes durable first what the other one wrote.
  const appending = assertRejects(
    () => a.append([event("Unknown")]),
    AppendOutcomeUnknownError,
  );
  await syncs.reached;
  Deno.removeSync(`${folder.path}/lock`);
  await folder.with(async (c) => {
    assertEquals((await c.append([event("C")])).first, 3);
    syncs.release();
    await appending;
    assertEquals((await c.append([event("C")])).first, 4);
  }, SMALL);
  assertEquals(await readAnew(folder), ["A", "B", "C", "C"]);
});

Deno.test("append() seals no segment that somebody else wrote to meanwhile", async () => {
  await using folder = new TestFolder();
  const syncs = new HeldSyncs();
  const { fileSystem } = syncs;
  await using a = await folder.open({ ...SMALL, fileSystem });
  await a.append([event("A")]);
  await folder.with((b) => b.append([event("B")]));
  syncs.hold();
  const appending = assertRejects(
    () => a.append([event("Refused")]),
    AppendFailedError,
  );
  await syncs.reached;
  Deno.removeSync(`${folder.path}/lock`);
  await folder.with(async (c) => {
    assertEquals((await c.append([event("C")])).first, 3);
    syncs.release();
    await appending;
    assertEquals((await c.append([event("C")])).first, 4);
  });
  assertEquals((await a.append([event("A")])).first, 5);
  assertEquals(await readAnew(folder), ["A", "B", "C", "C", "A"]);
});

Deno.test("append() makes the name of a segment durable that another store began and failed with", async () => {
  await using folder = new TestFolder();
  const [inA, inB] = [new FaultyFileSystem(), new FaultyFileSystem()];
  await using a = await folder.open({ ...SMALL, fileSystem: inA });
  await using b = await folder.open({ fileSystem: inB });
  await a.append([event("A")]);
  assertEquals(await b.head(), 1);
  inA.inject({ kind: "syncDirectory", path: "/events", code: "EIO" });
  // As if it had died there: it would take the segment back otherwise.
  inA.inject({ kind: "remove", path: "/events", code: "EIO" });
  await assertRejects(() => a.append([event("Refused")]));
  assertEquals(folder.segments().length, 2);
  const syncs = async () => {
    inB.forget();
    await b.append([event("B")]);
    return inB.operations.filter(({ kind }) => kind.startsWith("sync"))
      .map(({ kind }) => kind);
  };
  assertEquals(await syncs(), ["sync", "syncDirectory"]);
  assertEquals(await syncs(), ["sync"]);
});

Deno.test("append() ends writing when the name of another store's segment cannot be made durable", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using a = await folder.open(SMALL);
  await using b = await folder.open({ fileSystem });
  await a.append([event("A")]);
  assertEquals(await b.head(), 1);
  await a.append([event("A")]);
  fileSystem.inject({ kind: "syncDirectory", path: "/events", code: "EIO" });
  assertEquals(await b.head(), 1);
  assert(b.readOnlyCause);
});

Deno.test("append() is refused while the folder is another one than was opened", async () => {
  await using parent = new TestFolder();
  const path = `${parent.path}/data`;
  await using a = await parent.open({ path });
  await a.append([event("A")]);
  Deno.renameSync(path, `${path}.old`);
  copyFolder(`${path}.old`, path);
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => a.append([event("Lost")]), AppendFailedError);
  }
  {
    await using b = await parent.open({ path });
    assertEquals((await b.append([event("B")])).first, 2);
  }
  await assertRejects(() => a.append([event("Lost")]), AppendFailedError);
  Deno.removeSync(path, { recursive: true });
  Deno.renameSync(`${path}.old`, path);
  assertEquals((await a.append([event("A")])).first, 2);
});
