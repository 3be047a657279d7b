/**
 * The checker is checked: for each invariant, a log or a folder in which it does not hold.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AppendConditionError,
  type EventStore,
  matchesQuery,
  openOpossum,
  type Query,
  silentLogger,
  type StoredEvent,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { checkConditions } from "./conditions.ts";
import {
  checkFolder,
  checkGoesOn,
  checkLog,
  checkNothingLeft,
  InvariantError,
  type InvariantId,
  type Witness,
} from "./invariants.ts";

function stored(id: string, position: number, tag = id): StoredEvent {
  const timestamp = "2026-01-01T00:00:00.000Z";
  const tags = [`tag:${tag}`];
  return { id, position, type: "T", tags, data: {}, timestamp };
}

/** A store that says that it holds these events. */
function saying(
  events: readonly StoredEvent[],
  head: number = events.length,
): EventStore {
  const store: Pick<EventStore, "read" | "head"> = {
    async *read(query: Query) {
      for (const event of events) {
        if (matchesQuery(query, event)) yield event as never;
      }
    },
    head: () => Promise.resolve(head),
  };
  return store as EventStore;
}

async function brokenBy(action: () => Promise<unknown>): Promise<InvariantId> {
  return (await assertRejects(action, InvariantError)).id;
}

const [A, B, C] = ["a", "b", "c"].map((id, i) => stored(id, i + 1)) as [
  StoredEvent,
  StoredEvent,
  StoredEvent,
];
const LOG = [A, B, C];
const onTag = (tag: string, after = 0) => ({
  failIfEventsMatch: { items: [{ tags: [`tag:${tag}`] }] },
  after,
});
const FINE: Witness = {
  calls: [{ ids: ["a"], first: 1 }, {
    ids: ["b", "c"],
    first: 2,
    condition: onTag("a", 1),
  }, { ids: ["never", "stored"] }],
  seen: new Map([[1, "a"], [3, "c"]]),
};

Deno.test("checkLog() finds nothing wrong with what was acknowledged, or never answered and whole", async () => {
  assertEquals(await checkLog(saying(LOG), FINE), LOG);
  const calls = [{ ids: ["a", "b", "c"] }];
  assertEquals(await checkLog(saying(LOG), { calls }), LOG);
});

Deno.test("checkLog() names the invariant that a log breaks", async () => {
  const all = { calls: [{ ids: ["a"] }, { ids: ["b"] }, { ids: ["c"] }] };
  const seeing = (position: number, id: string) => ({
    ...all,
    seen: new Map([[position, id]]),
  });
  const acknowledged = (id: string, first: number) => ({
    calls: [...all.calls.filter(({ ids }) => ids[0] !== id), {
      ids: [id],
      first,
    }],
  });
  const cases: Record<string, readonly [InvariantId, EventStore, Witness]> = {
    "lost at the end": ["I1", saying([A, B]), acknowledged("c", 3)],
    "lost, and its position given to another": [
      "I1",
      saying([A, B, stored("other", 3)]),
      acknowledged("c", 3),
    ],
    "elsewhere than told": ["I1", saying(LOG), acknowledged("b", 1)],
    "a gap": ["I2", saying([A, C]), all],
    "begins behind 1": ["I2", saying([B, C]), all],
    "a position twice": ["I2", saying([A, B, stored("c", 2)]), all],
    "out of order": ["I2", saying([B, A, C]), all],
    "the head is behind": ["I2", saying(LOG, 2), all],
    "the head is ahead": ["I2", saying(LOG, 4), all],
    "the first part of an append": ["I2", saying([A, B]), {
      calls: [{ ids: ["a"] }, { ids: ["b", "c"] }],
    }],
    "the last part of an append": ["I2", saying([stored("c", 1)]), {
      calls: [{ ids: ["b", "c"] }],
    }],
    "an append torn apart": ["I2", saying(LOG), {
      calls: [{ ids: ["a", "c"] }, { ids: ["b"] }],
    }],
    "an append in another order": ["I2", saying(LOG), {
      calls: [{ ids: ["b", "a"] }, { ids: ["c"] }],
    }],
    "what nobody appended, or was refused": ["I2", saying(LOG), {
      calls: all.calls.slice(1),
    }],
    "an event twice": ["I3", saying([A, B, stored("a", 3)]), all],
    "what was seen is gone": ["I3", saying([A, B]), seeing(3, "c")],
    "what was seen is another": ["I3", saying(LOG), seeing(3, "b")],
    "a condition was not true": ["I4", saying(LOG), {
      calls: [...all.calls.slice(0, 2), { ids: ["c"], condition: onTag("b") }],
    }],
    "a condition behind a position was not true": ["I4", saying(LOG), {
      calls: [...all.calls.slice(0, 2), {
        ids: ["c"],
        condition: { failIfEventsMatch: "all", after: 1 },
      }],
    }],
  };
  for (const [what, [id, store, witness]] of Object.entries(cases)) {
    assertEquals(await brokenBy(() => checkLog(store, witness)), id, what);
  }
});

/** A store whose appends come to what is told, whatever it holds. */
function answering(
  events: readonly StoredEvent[],
  append: EventStore["append"],
): EventStore {
  return Object.assign(saying(events), { append });
}

Deno.test("checkConditions() finds an index that lacks an event, or has one too many", async () => {
  const log = [A, stored("b", 2, "a"), C];
  const refusing = (foundAt: (tag: string, after: number) => number) =>
    answering(log, (_, { condition } = {}) => {
      const { failIfEventsMatch, after = 0 } = condition ?? onTag("");
      const [item] = failIfEventsMatch === "all" ? [] : failIfEventsMatch.items;
      const found = foundAt(item?.tags?.[0] ?? "type", after);
      return found > 0
        ? Promise.reject(new AppendConditionError({ after, foundAt: found }))
        : Promise.resolve({ first: 4, last: 4 });
    });
  const right = (tag: string, after: number) => tag === "tag:c" ? 3 : after + 1;
  await checkConditions(refusing(right), log);
  const wrong: Record<string, typeof right> = {
    "a tag is missing": (tag, after) => tag === "tag:c" ? 0 : right(tag, after),
    "a later event is missing": (tag, after) =>
      tag === "tag:a" && after > 0 ? 0 : right(tag, after),
    "the first event is missing": (tag, after) =>
      tag === "tag:a" ? 2 : right(tag, after),
    "a type is missing": (tag, after) => tag === "type" ? 0 : right(tag, after),
    "another event is found": (tag, after) =>
      tag === "tag:c" ? 1 : right(tag, after),
  };
  for (const [what, foundAt] of Object.entries(wrong)) {
    const check = () => checkConditions(refusing(foundAt), log);
    assertEquals(await brokenBy(check), "I4", what);
  }
});

Deno.test("checkGoesOn() finds positions that are not the next, and conditions that nobody judges", async () => {
  const witness = { calls: [] };
  await checkGoesOn(new MemoryEventStore(), witness);
  const skipping = answering([], () => Promise.resolve({ first: 2, last: 2 }));
  assertEquals(await brokenBy(() => checkGoesOn(skipping, witness)), "I2");
  const careless = new MemoryEventStore();
  const unconditional = answering([], (events) => careless.append(events));
  assertEquals(await brokenBy(() => checkGoesOn(unconditional, witness)), "I4");
});

const NAME = "One";
const PROJECTION = countingProjection(NAME);

/** A folder with seven events and a generation that serves. */
async function fill(path: string): Promise<Witness> {
  await using opossum = await openOpossum({
    path,
    projections: [PROJECTION],
    startDaemon: false,
    logger: silentLogger,
  });
  await opossum.events.append(counts(7));
  await opossum.rebuilder.rebuildAll();
  const events = await Array.fromAsync(opossum.events.read("all"));
  return { calls: [{ ids: events.map(({ id }) => id), first: 1 }] };
}

Deno.test("checkFolder() names the invariant that a projection breaks", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  const witness = await fill(path);
  const check = (projections = [PROJECTION]) =>
    checkFolder({ path, witness, projections });
  await check();
  // Another fold than the one that it was built by: every document differs.
  const other = countingProjection(NAME, { apply: () => ({ sum: 0 }) });
  assertEquals(await brokenBy(() => check([other])), "I5");
  const folder = `${path}/projections/${NAME}`;
  Deno.renameSync(`${folder}/000001.sqlite`, `${folder}/aside`);
  assertEquals(await brokenBy(() => check()), "I7");
  Deno.renameSync(`${folder}/aside`, `${folder}/000001.sqlite`);
  await check();
  // The log ends before the checkpoint.
  const log = `${path}/events`;
  Deno.removeSync(log, { recursive: true });
  Deno.removeSync(`${path}/index.sqlite`);
  assertEquals(
    await brokenBy(() =>
      checkFolder({ path, witness: { calls: [] }, projections: [PROJECTION] })
    ),
    "I6",
  );
});

Deno.test("checkNothingLeft() finds every kind of file that nobody will ever use", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  await fill(path);
  checkNothingLeft(path);
  const leftovers = [
    "store.json.1.tmp",
    "operations/1.tmp",
    `projections/${NAME}/000002.building.sqlite`,
    `projections/${NAME}/000001.sqlite-journal`,
    `projections/${NAME}/000009.sqlite-wal`,
    `projections/${NAME}/000009.sqlite-shm`,
  ];
  for (const file of leftovers) {
    Deno.writeTextFileSync(`${path}/${file}`, "");
    const { id } = assertThrows(() => checkNothingLeft(path), InvariantError);
    assertEquals(id, "I8", file);
    Deno.removeSync(`${path}/${file}`);
  }
  for (const number of [2, 3]) {
    const file = `${path}/projections/${NAME}/00000${number}.sqlite`;
    Deno.writeTextFileSync(file, "");
  }
  assertThrows(() => checkNothingLeft(path), InvariantError, "3 generations");
});
