import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import {
  AppendConditionError,
  type EventInput,
  type Query,
} from "../../mod.ts";
import { matchesQuery } from "../../src/events/query.ts";
import type { FileEventStore } from "../../src/log/file_event_store.ts";
import { event, MemoryLogger, range, TestFolder, unsynced } from "./support.ts";

/**
 * Tags and types of all kinds of frequency: `all` on every event, `tenant:…` on a half each,
 * `course:…` on a few; `Enrolled` nearly always, `Closed` now and then, `Audited` twice.
 */
function makeEvents(count: number): EventInput[] {
  return range(1, count).map((n) => {
    const type = n === 70 || n === 2_900
      ? "Audited"
      : n % 97 === 0
      ? "Closed"
      : "Enrolled";
    const tags = ["all", `tenant:${n % 2}`, `course:${n % 300}`, `name:${n}`];
    return event(type, tags, n);
  });
}

const QUERIES: Query[] = [
  "all",
  { items: [] },
  { items: [{ types: ["Audited"] }] },
  { items: [{ types: ["Unknown"] }] },
  { items: [{ types: ["Unknown", "Closed", "Audited"] }] },
  { items: [{ tags: ["name:2000"] }] },
  { items: [{ tags: ["name:none"] }] },
  { items: [{ tags: ["all"] }] },
  { items: [{ types: ["Audited"], tags: ["all"] }] },
  { items: [{ types: ["Closed"], tags: ["all", "tenant:1"] }] },
  { items: [{ types: ["Closed", "Audited"], tags: ["course:70"] }] },
  { items: [{ types: ["Unknown"], tags: ["course:70"] }] },
  { items: [{ tags: ["tenant:0", "course:7", "all"] }] },
  { items: [{ tags: ["tenant:1", "course:7", "all"] }] },
  { items: [{ tags: ["all", "tenant:0"] }] },
  { items: [{ tags: ["tenant:0", "tenant:1"] }] },
  { items: [{ types: ["Enrolled"], tags: ["all", "tenant:0", "name:3000"] }] },
  { items: [{ tags: ["name:2500"] }, { types: ["Audited"] }] },
  { items: [{ types: range(1, 70).map((n) => `T${n}`), tags: ["all"] }] },
  { items: [{ tags: range(1, 70).map((n) => `name:${n}`) }] },
  { items: [{ tags: ["name:9", "name:9"], types: ["Enrolled", "Enrolled"] }] },
];

/** The first event that an append on a condition is refused for, if any. */
async function firstConflict(
  store: FileEventStore,
  failIfEventsMatch: Query,
  after: number,
): Promise<number | undefined> {
  const condition = { failIfEventsMatch, after };
  try {
    await store.append([{ type: "Appended", data: 0 }], { condition });
    return undefined;
  } catch (error) {
    assert(error instanceof AppendConditionError);
    assertEquals(error.conflict.after, after);
    return error.conflict.foundAt;
  }
}

Deno.test("append() finds the first event against a condition, in the index file, in memory and across both", async () => {
  await using folder = new TestFolder();
  const events = makeEvents(3_000);
  // Closing writes to the index file; it takes many times until every tag was moved within it.
  for (const start of range(0, 19).map((n) => n * 140)) {
    await folder.with(async (store) => {
      await store.append(events.slice(start, start + 140));
    }, { fileSystem: unsynced });
  }
  // What was appended before is in the file now, what follows is not.
  await folder.with(async (store) => {
    await store.append(events.slice(2_800));
    for (const query of QUERIES) {
      for (const after of [0, 69, 70, 1_500, 2_799, 2_800, 2_899, 2_999]) {
        const expected = events.findIndex(({ type, tags = [] }, i) =>
          i >= after && matchesQuery(query, { type, tags })
        );
        assertEquals(
          await firstConflict(store, query, after),
          expected < 0 && query === "all" && after < await store.head()
            ? after + 1
            : expected < 0
            ? undefined
            : expected + 1,
          `${JSON.stringify(query)} after ${after}`,
        );
      }
    }
  }, { fileSystem: unsynced });
});

Deno.test("append() judges a condition rightly although the index file became unusable", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append(makeEvents(500)));
  const logger = new MemoryLogger();
  await folder.with(async (store) => {
    using database = new DatabaseSync(`${folder.path}/index.sqlite`);
    database.exec("DROP TABLE tags");
    const failIfEventsMatch = { items: [{ tags: ["name:400"] }] };
    const error = await assertRejects(
      () => store.append([event("A")], { condition: { failIfEventsMatch } }),
      AppendConditionError,
    );
    assertEquals(error.conflict.foundAt, 400);
    const condition = { failIfEventsMatch, after: 400 };
    assertEquals((await store.append([event("A")], { condition })).first, 501);
  }, { logger });
  assertEquals(logger.messages("warn").length, 1);
});

Deno.test("append() takes a condition on any number of types and tags, in memory and in the index file", async () => {
  await using folder = new TestFolder();
  const logger = new MemoryLogger();
  const types = range(1, 300_000).map((n) => `T${n}`);
  const tags = range(1, 3_000).map((n) => `t:${n}`);
  for (const isFound of [false, true]) {
    await folder.with(async (store) => {
      if (!isFound) await store.append([event("Other", ["t:1"])]);
      const outcomes = await Promise.allSettled([
        store.append([event(isFound ? "Other" : "T7")], {
          condition: { failIfEventsMatch: { items: [{ types }] } },
        }),
        store.append([event("Other")], {
          condition: { failIfEventsMatch: { items: [{ tags }] } },
        }),
        store.append([event("Other")]),
      ]);
      assertEquals(outcomes.map(({ status }) => status), [
        isFound ? "rejected" : "fulfilled",
        "fulfilled",
        "fulfilled",
      ]);
      const query = { items: [{ types: ["T7"] }, { tags }] };
      const found = await Array.fromAsync(store.read(query));
      assertEquals(found.map(({ position }) => position), [2]);
    }, { fileSystem: unsynced, logger });
  }
  assertEquals(logger.messages("warn"), []);
});

Deno.test("append() whose condition cannot be judged fails alone", async () => {
  await using folder = new TestFolder();
  const logger = new MemoryLogger();
  await folder.with(async (store) => {
    let looks = 0;
    const item = {
      get tags(): string[] {
        if (++looks > 1) throw new Error("no more");
        return ["t:1"];
      },
    };
    const condition = { failIfEventsMatch: { items: [item] } };
    const [failing, ...others] = await Promise.allSettled([
      store.append([event("A")], { condition }),
      store.append([event("B")]),
      store.append([event("C")], {
        condition: { failIfEventsMatch: { items: [{ types: ["A"] }] } },
      }),
    ]);
    assertEquals(failing?.status, "rejected");
    assertEquals(others.map(({ status }) => status), [
      "fulfilled",
      "fulfilled",
    ]);
    assertEquals(await store.head(), 2);
  }, { fileSystem: unsynced, logger });
  assertEquals(logger.messages("warn"), []);
});

Deno.test("an index of another store proves nothing about this one, however far it goes", async () => {
  await using folder = new TestFolder();
  await using other = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  await other.with(async (store) => {
    for (let n = 0; n < 3; n++) await store.append([event("B")]);
  });
  Deno.copyFileSync(
    `${other.path}/index.sqlite`,
    `${folder.path}/index.sqlite`,
  );
  await folder.with(async (store) => {
    assertEquals(store.readOnlyCause, undefined);
    assertEquals((await store.append([event("A")])).first, 2);
    const found = await Array.fromAsync(
      store.read({ items: [{ types: ["A"] }] }),
    );
    assertEquals(found.map(({ position }) => position), [1, 2]);
  });
});
