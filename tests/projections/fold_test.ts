import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  defineProjection,
  ProjectionApplyError,
  type ProjectionDefinition,
  type StoredEvent,
  systemClock,
} from "../../mod.ts";
import { Fold } from "../../src/projections/fold.ts";
import { freezeEvents } from "../../src/projections/freeze_events.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

type Step = {
  type: "Step";
  data: { key: string; about: string; drop: boolean };
};

/** Sums, looks back, labels and deletes. */
const steps = defineProjection<{ seen: number[]; back: number[] }, Step>({
  name: "Steps",
  version: 1,
  eventTypes: ["Step"],
  key: (event) => event.data.key,
  related: {
    eventTypes: ["Step"],
    tags: (event) => [`about:${event.data.about}`],
  },
  apply(state, event, { related }) {
    if (event.data.drop) return;
    const { seen, back } = state ?? { seen: [], back: [] };
    back.push(related.length, related.at(-1)?.position ?? 0);
    return { seen: [...seen, event.position], back };
  },
  tags: ({ seen }) => [`last:${(seen.at(-1) ?? 0) % 3}`],
});

function toEvents(data: readonly Step["data"][]): StoredEvent<Step>[] {
  return data.map((data, index) => ({
    type: "Step",
    data,
    position: index + 1,
    id: crypto.randomUUID(),
    tags: [`about:${data.about}`],
    timestamp: "2026-01-01T00:00:00Z",
  }));
}

function openStore(dir: TempDir): SqliteProjectionStore {
  return new SqliteProjectionStore({
    directory: dir.path,
    fileSystem: denoFileSystem,
    clock: systemClock,
  });
}

const IDENTITY = {
  projectionName: "Steps",
  version: 1,
  fingerprint: "f",
  storeId: "s",
};

/** Folds in batches; `pauses` says after which to flush and begin anew. */
async function build(
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
  batchSize: number,
  pauses: readonly ("none" | "flush" | "reopen")[],
) {
  using dir = new TempDir();
  await using store = openStore(dir);
  await using build = await store.begin(IDENTITY, { resume: false });
  let fold = new Fold(definition, build.generation, { checkpoint: 0 });
  freezeEvents(events);
  for (let start = 0; start < events.length; start += batchSize) {
    const batch = events.slice(start, start + batchSize);
    await fold.apply({
      events: batch,
      through: start + batch.length,
      bytes: 100,
    });
    const pause = pauses[start / batchSize % Math.max(pauses.length, 1)] ??
      "none";
    if (pause === "none") continue;
    await fold.flush();
    if (pause === "reopen") {
      fold = new Fold(definition, build.generation, {
        checkpoint: fold.checkpoint,
      });
    }
  }
  await fold.flush();
  const all = { after: undefined, limit: 1_000, backwards: false };
  const { documents } = await build.generation.page({ ...all, tag: undefined });
  const tagged = await Promise.all([0, 1, 2].map(async (rest) => {
    const page = await build.generation.page({ ...all, tag: `last:${rest}` });
    return page.documents.map(({ key }) => key);
  }));
  const status = await build.generation.status();
  return {
    documents,
    tagged,
    count: status.documents,
    applied: status.eventsApplied,
  };
}

Deno.test("a fold gives the same documents however it is flushed and begun anew", async () => {
  const letter = fc.constantFrom("a", "b", "c");
  const data = fc.record({ key: letter, about: letter, drop: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(data, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.constantFrom("none", "flush", "reopen" as const), {
        maxLength: 5,
      }),
      async (data, batchSize, pauses) => {
        const events = toEvents(data);
        const plain = await build(steps, events, 1_000, []);
        assertEquals(await build(steps, events, batchSize, pauses), plain);
        assertEquals(plain.count, plain.documents.length);
        assertEquals(plain.applied, events.length);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("a failing definition is named with event and cause", async () => {
  const event = toEvents([{ key: "a", about: "b", drop: false }]);
  const table: [Partial<ProjectionDefinition>, string][] = [
    [{ apply: () => Promise.resolve({}) }, "'apply' must be synchronous"],
    [{ apply: () => () => 1 }, "A state must be JSON data: it is a function"],
    [{ key: () => "" }, "A key must be a well-formed text that is not empty"],
    [{ key: () => "x".repeat(1_025) }, "A key must take at most 1024 bytes"],
    [{ key: () => "\ud800" }, "well-formed"],
    [{ key: () => "a\0b" }, "A key must not contain U+0000"],
    [{ key: () => ["a", "\0"] }, "A key must not contain U+0000"],
    [
      {
        apply: (_, event) => Object.assign(event.data as object, { key: "z" }),
      },
      "read only",
    ],
  ];
  for (const [override, message] of table) {
    const error = await assertRejects(
      () =>
        build({ ...steps, ...override } as ProjectionDefinition, event, 1, []),
      ProjectionApplyError,
      message,
    );
    assertEquals([error.event.position, error.projectionName], [1, "Steps"]);
  }
});

Deno.test("a document that began as an event's data can be changed in place", async () => {
  const definition = defineProjection<Step["data"] & { count?: number }, Step>({
    name: "Steps",
    version: 1,
    eventTypes: ["Step"],
    key: (event) => event.data.key,
    apply(state, event) {
      if (!state) return event.data;
      state.count = (state.count ?? 0) + 1;
      return state;
    },
  });
  const data = { key: "a", about: "b", drop: false };
  const { documents } = await build(
    definition,
    toEvents([data, data, data]),
    10,
    [],
  );
  assertEquals(documents.map(({ text }) => JSON.parse(text)), [{
    ...data,
    count: 2,
  }]);
});

Deno.test("a fold lets go of what is beyond its bytes, and reads it again", async () => {
  using dir = new TempDir();
  await using store = openStore(dir);
  await using build = await store.begin(IDENTITY, { resume: false });
  const fold = new Fold(steps, build.generation, { checkpoint: 0 });
  const events = toEvents(
    Array.from({ length: 60 }, (_, index) => ({
      key: `key ${index % 20}`,
      about: `about ${index % 5}`,
      drop: false,
    })),
  );
  freezeEvents(events);
  for (
    const [start, bytesMax] of [[0, 10_000], [20, 3_000], [40, 0]] as const
  ) {
    const through = start + 20;
    const batch = { events: events.slice(start, through), through, bytes: 99 };
    await fold.apply(batch);
    await fold.flush();
    fold.shed(bytesMax);
    assert(fold.bytes <= bytesMax);
  }
  const texts = await build.generation.getMany(["key 0", "key 19"]);
  assertEquals(texts.get("key 0"), '{"seen":[1,21,41],"back":[0,0,4,16,8,36]}');
  assertEquals(
    texts.get("key 19"),
    '{"seen":[20,40,60],"back":[3,15,7,35,11,55]}',
  );
});
