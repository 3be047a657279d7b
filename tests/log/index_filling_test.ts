import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { AppendConditionError } from "../../mod.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import {
  copyFolder,
  event,
  MemoryLogger,
  positions,
  range,
  TestFolder,
  unsynced,
} from "./support.ts";

/** Around what a block of the index holds, what gathers before it, and both together. */
const COUNTS = [
  ...[1, 2, 255, 256, 257, 511, 1_000, 1_791, 1_792, 1_793, 1_998, 1_999],
  ...[2_000, 2_001, 2_006, 2_047, 2_048, 2_049, 2_100, 2_255, 2_256, 2_257],
  ...[2_300, 3_999, 4_000, 4_001, 4_006, 4_095, 4_096, 4_097, 5_999, 6_000],
];

async function appendOneByOne(
  store: FileEventStore,
  from: number,
  to: number,
): Promise<void> {
  await Promise.all(
    range(from, to).map((n) => store.append([event("Seat", [`seat:${n}`])])),
  );
}

/** Where the index file ends, and how many events of the type it knows. */
function indexed(path: string): unknown {
  using db = new DatabaseSync(`${path}/index.sqlite`, { readOnly: true });
  const { through } = { ...db.prepare("SELECT through FROM meta").get() };
  const { count } = { ...db.prepare("SELECT count FROM types").get() };
  return { through, count };
}

function seat(n: number) {
  return { items: [{ tags: [`seat:${n}`] }] };
}

Deno.test("openFileEventStore() indexes every event of a log of any length, as a scan finds them", async () => {
  await using folder = new TestFolder();
  await using copies = new TestFolder();
  const fileSystem = unsynced;
  const logger = new MemoryLogger();
  await using a = await folder.open({ fileSystem, logger });
  for (const [i, count] of COUNTS.entries()) {
    await appendOneByOne(a, (COUNTS[i - 1] ?? 0) + 1, count);
    // As a crash leaves it: indexed in part, and not at all.
    const path = `${copies.path}/${count}`;
    for (const isIndexed of [true, false]) {
      copyFolder(folder.path, path);
      if (!isIndexed) Deno.removeSync(`${path}/index.sqlite`);
      {
        await using b = await folder.open({ path, fileSystem, logger });
        assertEquals(indexed(path), { through: count, count });
        const sought = [1, 2_000, 2_001, 2_003, count - 255, count - 1, count]
          .filter((n) => n >= 1 && n <= count);
        for (const n of sought) {
          assertEquals(await positions(b, seat(n)), [n]);
          const condition = { failIfEventsMatch: seat(n) };
          const outcome = await b.append([event("Seat")], { condition })
            .catch(({ conflict }) => conflict);
          assertEquals(outcome, { after: 0, foundAt: n });
        }
      }
      await Deno.remove(path, { recursive: true });
    }
  }
  const types = { items: [{ types: ["Seat"] }] };
  assertEquals(await positions(a, types), range(1, 6_000));
  assertEquals(logger.messages("error"), []);
  assertEquals(logger.messages("warn"), []);
});

Deno.test("a store that was opened at the end of a block goes on, and another one after it", async () => {
  for (const count of [1_999, 2_000, 2_006, 2_255, 2_256]) {
    await using folder = new TestFolder();
    const fileSystem = unsynced;
    const logger = new MemoryLogger();
    await folder.with((a) => appendOneByOne(a, 1, count), { fileSystem });
    folder.removeIndex();
    const last = count + 3_000;
    await folder.with(
      (b) => appendOneByOne(b, count + 1, last),
      { fileSystem, logger },
    );
    assertEquals(indexed(folder.path), { through: last, count: last });
    await folder.with(async (c) => {
      const items = range(1, last).map((n) => ({ tags: [`seat:${n}`] }));
      for (let at = 0; at < last; at += 100) {
        const found = await positions(c, { items: items.slice(at, at + 100) });
        assertEquals(found, range(at + 1, Math.min(at + 100, last)));
      }
    }, { fileSystem, logger });
    assertEquals(logger.messages("warn"), []);
  }
});

Deno.test("append() goes on where the index file takes no more events, not even made again", async () => {
  await using folder = new TestFolder();
  const logger = new MemoryLogger();
  const fileSystem: FileSystem = {
    ...unsynced,
    // What is made again is thereby as unusable as before.
    remove: (path) => path.includes("index.sqlite") || unsynced.remove(path),
  };
  await folder.with(async (store) => {
    using db = new DatabaseSync(`${folder.path}/index.sqlite`);
    db.exec(
      "CREATE TRIGGER refusing BEFORE UPDATE ON meta " +
        "BEGIN SELECT raise(ABORT, 'refused'); END",
    );
    for (const n of range(1, 5)) {
      await appendOneByOne(store, (n - 1) * 1_500 + 1, n * 1_500);
    }
    assertEquals(await store.head(), 7_500);
    for (const n of [1, 100, 2_500, 7_500]) {
      assertEquals(await positions(store, seat(n)), [n]);
      const condition = { failIfEventsMatch: seat(n) };
      await assertRejects(
        () => store.append([event("Seat")], { condition }),
        AppendConditionError,
      );
    }
  }, { fileSystem, logger });
  assertEquals(new Set(logger.messages("warn")).size, 1);
});
