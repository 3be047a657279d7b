/**
 * A build that was interrupted is continued by the same definition only. After any change it
 * begins anew: documents of two definitions in one generation would be neither's.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type DeadLetter,
  type Position,
  type ProjectionDefinition,
  type StoredEvent,
  systemClock,
} from "../../mod.ts";
import { missesSkips } from "../../src/projections/dead_letters.ts";
import { EventOrderStore } from "../../src/projections/event_orders.ts";
import { fingerprintOf } from "../../src/projections/fingerprint.ts";
import { Fold } from "../../src/projections/fold.ts";
import { freezeEvents } from "../../src/projections/freeze_events.ts";
import type { Generation } from "../../src/projections/projection_store.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

interface Sums {
  sum: number;
  marks?: string[];
}

type Put = {
  type: "Put" | "Taken";
  data: { key: string; other: string; by: number };
};

type Definition = ProjectionDefinition<Sums, Put>;

const EVENTS = 40;
const STORE_ID = "11111111-2222-4333-8444-555555555555";

const original: Definition = {
  name: "Sums",
  version: 1,
  eventTypes: ["Put"],
  key: ({ data }) => data.key,
  apply: (state, { data }) => ({ sum: (state?.sum ?? 0) + data.by }),
  tags: ({ sum }) => [`parity:${sum % 2}`],
  related: { eventTypes: ["Taken"], tags: ({ data }) => [`key:${data.key}`] },
};

const { tags: _, ...untagged } = original;
const { related: __, ...unrelated } = original;

/** What somebody may have changed between a crash and the next start. */
const mutations: Readonly<Record<string, Definition>> = {
  "the version": { ...original, version: 2 },
  "a fingerprint of its own": { ...original, fingerprint: "mine" },
  "more event types": { ...original, eventTypes: ["Put", "Taken"] },
  "another event type": { ...original, eventTypes: ["Taken"] },
  "another key": { ...original, key: ({ data }) => data.other },
  "a fixed key": { ...original, key: () => "all" },
  "several keys": { ...original, key: ({ data }) => [data.key, data.other] },
  "no key for some": {
    ...original,
    key: ({ data }) => data.by % 3 === 0 ? null : data.key,
  },
  "another operator": {
    ...original,
    apply: (state, { data }) => ({ sum: (state?.sum ?? 0) - data.by }),
  },
  "another start": {
    ...original,
    apply: (state, { data }) => ({ sum: (state?.sum ?? 1) + data.by }),
  },
  "another field": {
    ...original,
    apply: (state, { position }) => ({ sum: (state?.sum ?? 0) + position }),
  },
  "a new field": {
    ...original,
    apply: (state, { data }) => ({
      sum: (state?.sum ?? 0) + data.by,
      marks: [...state?.marks ?? [], data.other],
    }),
  },
  "a deletion": {
    ...original,
    apply: (state, { data }) =>
      data.by % 5 === 0 ? undefined : { sum: (state?.sum ?? 0) + data.by },
  },
  "a condition": {
    ...original,
    apply: (state, { data }) =>
      data.by > 20 ? state : { sum: (state?.sum ?? 0) + data.by },
  },
  "related events that are used": {
    ...original,
    apply: (state, { data }, { related }) => ({
      sum: (state?.sum ?? 0) + data.by + related.length,
    }),
  },
  "other tags": { ...original, tags: ({ sum }) => [`rest:${sum % 3}`] },
  "no tags": untagged,
  "other related types": {
    ...original,
    related: { ...original.related, eventTypes: ["Put"] } as NonNullable<
      Definition["related"]
    >,
  },
  "other related tags": {
    ...original,
    related: {
      eventTypes: ["Taken"],
      tags: ({ data }) => [`key:${data.other}`],
    },
  },
  "no related events": unrelated,
  "the policy skip": { ...original, errorPolicy: "skip" },
  "the policy quarantine": { ...original, errorPolicy: "quarantine" },
};

async function fill(log: MemoryEventStore): Promise<readonly StoredEvent[]> {
  for (let by = 1; by <= EVENTS; by++) {
    const key = "abc".charAt(by % 3);
    await log.append<Put>([{
      type: by % 4 === 0 ? "Taken" : "Put",
      tags: [`key:${key}`],
      data: { key, other: "xy".charAt(by % 2), by },
    }]);
  }
  const events = await Array.fromAsync(log.read("all"));
  freezeEvents(events);
  return events;
}

/** Builds half of a generation, as a process does that is killed then. */
async function buildHalf(
  path: string,
  events: readonly StoredEvent[],
): Promise<void> {
  await using store = new SqliteProjectionStore({
    directory: `${path}/projections`,
    fileSystem: denoFileSystem,
    clock: systemClock,
  });
  const definition = original as ProjectionDefinition;
  await using build = await store.begin({
    projectionName: "Sums",
    version: 1,
    fingerprint: fingerprintOf(definition),
    storeId: STORE_ID,
  }, { resume: false });
  const fold = new Fold(definition, build.generation, {
    checkpoint: 0,
    relatedBytesMax: 1_048_576,
  });
  const through = EVENTS / 2;
  const half = events.slice(0, through);
  await fold.apply({ events: half, through, bytes: 100 * through });
  await fold.flush();
}

/** Rebuilds what needs it, and says how many events were looked at for it. */
async function assertFinishes(
  changed: Definition,
  skipped?: Position,
): Promise<number> {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  const events = await fill(log);
  await buildHalf(dir.path, events);
  const definition = changed as ProjectionDefinition;
  if (skipped !== undefined) {
    await new EventOrderStore({
      directory: `${dir.path}/projections`,
      fileSystem: denoFileSystem,
      clock: systemClock,
    }).addSkip({
      projectionName: "Sums",
      version: 1,
      fingerprint: fingerprintOf(original as ProjectionDefinition),
    }, skipped);
  }
  await using opossum = openOverMemory(dir.path, [definition], {}, log);
  const { success, details } = await opossum.rebuilder.rebuildAll();
  assert(success);
  const documents = new Map<string, string>();
  const byTag = new Map<string, string[]>();
  for await (const { key, state } of opossum.projections.documents("Sums")) {
    documents.set(key, JSON.stringify(state));
    for (const tag of definition.tags?.(state, key) ?? []) {
      byTag.set(tag, [...byTag.get(tag) ?? [], key]);
    }
  }
  // An order holds for the definition that it was given for.
  const isOrdered = fingerprintOf(definition) ===
      fingerprintOf(original as ProjectionDefinition) &&
    definition.version === 1;
  const applied = events
    .filter(({ position }) => !isOrdered || position !== skipped);
  const expected = plainFold(definition, applied);
  assertEquals([...documents].sort(), [...expected].sort());
  for (const tag of ["parity:0", "parity:1", "rest:0", "rest:1", "rest:2"]) {
    const page = await opossum.projections.queryByTag("Sums", tag);
    const found = page.documents.map(({ key }) => key);
    assertEquals(found, byTag.get(tag) ?? [], tag);
  }
  return details[0]?.eventsScanned ?? 0;
}

Deno.test("an interrupted build is continued by the same definition", async () => {
  assertEquals(await assertFinishes({ ...original }), EVENTS / 2);
});

Deno.test("an interrupted build begins anew when it is past an event that is to be passed over", async () => {
  // An event of the type that is applied, in each half.
  assertEquals(await assertFinishes({ ...original }, 5), EVENTS);
  assertEquals(await assertFinishes({ ...original }, 35), EVENTS / 2);
});

Deno.test("an order to pass an event over ends with the definition that it was given for", async () => {
  assertEquals(await assertFinishes({ ...original, version: 2 }, 5), EVENTS);
  const { "another operator": changed } = mutations;
  assert(changed);
  assertEquals(await assertFinishes(changed, 5), EVENTS);
});

Deno.test("an interrupted build begins anew after any of 22 changes, and never mixes", async () => {
  assertEquals(Object.keys(mutations).length, 22);
  const fingerprints = new Set([fingerprintOf(original as never)]);
  for (const [what, changed] of Object.entries(mutations)) {
    assertEquals(await assertFinishes(changed), EVENTS, what);
    if (changed.version === 1) {
      fingerprints.add(fingerprintOf(changed as never));
    }
  }
  assertEquals(fingerprints.size, Object.keys(mutations).length);
});

Deno.test("an interrupted build begins anew when it passed the event over for some of its documents only", async () => {
  const letter = {
    position: 5,
    eventType: "Put",
    key: "a",
    message: "",
    at: "",
  };
  const orders = { skips: [5], suspects: [] };
  const generationWith = (reason: DeadLetter["reason"]) => ({
    orders: () => Promise.resolve(orders),
    status: () => Promise.resolve({ checkpoint: 9 }),
    deadLetters: () => Promise.resolve([{ ...letter, reason }]),
  } as unknown as Generation);
  assert(await missesSkips(generationWith("failed")));
  assert(!await missesSkips(generationWith("ordered")));
});
