import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { setImmediate } from "node:timers/promises";
import {
  defineProjection,
  type ProjectionDefinition,
  silentLogger,
  type StoredEvent,
  systemClock,
} from "../../mod.ts";
import { EventOrderStore } from "../../src/projections/event_orders.ts";
import { freezeEvents } from "../../src/projections/freeze_events.ts";
import { LiveUpdater } from "../../src/projections/live_updater.ts";
import { ProjectionRegistry } from "../../src/projections/registry.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";
import { TempDir } from "../support/temp_dir.ts";

type Step = {
  type: "Step";
  data: { key: string; about: string; drop: boolean; text: string };
};

/** Texts of events that something is refused for. */
const refused = new Set(["poison", "no key", "no tags"]);

interface Steps {
  seen: number[];
  back: number[];
  untagged?: true;
}

/** Sums, looks back, labels and deletes; refuses an event that says so. */
const steps = defineProjection<Steps, Step>({
  name: "Steps",
  version: 1,
  eventTypes: ["Step"],
  key: ({ data }) => {
    if (isRefused(data, "no key")) throw new Error("No key");
    return data.key;
  },
  related: {
    eventTypes: ["Step"],
    tags: (event) => [`about:${event.data.about}`],
  },
  apply(state, event, { related }) {
    if (isRefused(event.data, "poison")) throw new Error("Poison");
    if (event.data.drop) return;
    const { seen, back, untagged } = state ?? { seen: [], back: [] };
    // In place, as most definitions do.
    seen.push(event.position);
    back.push(related.length, related.at(-1)?.position ?? 0);
    if (untagged || isRefused(event.data, "no tags")) {
      return { seen, back, untagged: true };
    }
    return { seen, back };
  },
  tags: ({ seen, untagged }) => {
    if (untagged) throw new Error("No tags");
    return [`last:${(seen.at(-1) ?? 0) % 3}`];
  },
}) as ProjectionDefinition;

function isRefused({ text }: Step["data"], what: string): boolean {
  return text === what && refused.has(what);
}

function toEvents(data: readonly Partial<Step["data"]>[]): StoredEvent[] {
  const events = data.map((data, index) => ({
    type: "Step",
    data: { key: "a", about: "x", drop: false, text: "", ...data },
    position: index + 1,
    id: crypto.randomUUID(),
    tags: [`about:${data.about ?? "x"}`],
    timestamp: "2026-01-01T00:00:00Z",
  }));
  freezeEvents(events);
  return events;
}

/** Live updates as of one process; several may share a folder. */
class Process implements AsyncDisposable {
  readonly store: SqliteProjectionStore;
  readonly live: LiveUpdater;

  constructor(directory: string, memoryBytesMax?: number) {
    this.store = new SqliteProjectionStore({
      directory,
      fileSystem: denoFileSystem,
      clock: systemClock,
    });
    this.live = new LiveUpdater({
      registry: new ProjectionRegistry([steps]),
      store: this.store,
      storeId: "s",
      clock: systemClock,
      logger: silentLogger,
      telemetry: createTelemetry(),
      orders: new EventOrderStore({
        directory,
        fileSystem: denoFileSystem,
        clock: systemClock,
      }),
      ...memoryBytesMax === undefined ? {} : { memoryBytesMax },
    });
  }

  async build(): Promise<void> {
    const identity = this.live.identity("Steps");
    await using build = await this.store.begin(identity, { resume: false });
    using _lock = await this.store.lockLive("Steps");
    await build.swapIn();
    this.live.swapped("Steps");
  }

  async apply(
    events: readonly StoredEvent[],
    [after, through]: readonly [number, number],
    hold = false,
  ): Promise<number | undefined> {
    const batch = { events: events.slice(after, through), through, bytes: 100 };
    return await this.live.apply("Steps", batch, { after, hold });
  }

  async documents(): Promise<[string, string][]> {
    return await Array.fromAsync(
      this.store.snapshot("Steps"),
      ({ key, text }) => [key, text],
    );
  }

  async cursor(): Promise<number | undefined> {
    return await this.live.cursor("Steps");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

function expected(
  events: readonly StoredEvent[],
  through: number,
): [string, string][] {
  return [...plainFold(steps, events.slice(0, through))].map((
    [key, text],
  ): [string, string] => [key, text]).sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("live updates equal a plain fold, whatever is held, kept and written by others", async () => {
  const letter = fc.constantFrom("a", "b", "c", "d");
  const data = fc.record({
    key: letter,
    about: letter,
    drop: fc.boolean(),
    text: fc.constant(""),
  });
  const round = fc.record({
    process: fc.integer({ min: 0, max: 1 }),
    size: fc.integer({ min: 1, max: 6 }),
    held: fc.integer({ min: 0, max: 3 }),
    rebuilt: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(data, { maxLength: 40 }),
      fc.array(round, { maxLength: 20 }),
      fc.constantFrom(1, 700, 1_000_000),
      async (data, rounds, memoryBytesMax) => {
        using dir = new TempDir();
        await using one = new Process(dir.path, memoryBytesMax);
        await using other = new Process(dir.path, memoryBytesMax);
        const events = toEvents(data);
        await one.build();
        for (const { process, size, held, rebuilt } of rounds) {
          const updater = [one, other][process] ?? one;
          if (rebuilt) await one.build();
          const cursor = await updater.cursor() ?? 0;
          let after = cursor;
          for (let batch = 0; batch <= held; batch++) {
            const through = Math.min(after + size, events.length);
            const hold = batch < held;
            await updater.apply(events, [after, through], hold);
            after = through;
            // What takes too much memory is stored at once.
            const isHeld = hold && memoryBytesMax === 1_000_000;
            if (isHeld) assertEquals(await updater.cursor(), cursor);
          }
          assertEquals(await updater.cursor(), after);
          assertEquals(await one.documents(), expected(events, after));
        }
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("apply() shows nothing of what it holds, and stores it with the next batch", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  const events = toEvents([{ key: "a" }, { key: "b" }, { key: "a" }]);
  const hold = true;
  assertEquals(await process.apply(events, [0, 2], hold), 0);
  assertEquals(await process.documents(), []);
  assertEquals(await process.cursor(), 0);
  assertEquals(await process.apply(events, [2, 3]), 3);
  assertEquals(await process.documents(), expected(events, 3));
  assertEquals(await process.cursor(), 3);
});

Deno.test("apply() forgets what it holds when another process was first", async () => {
  using dir = new TempDir();
  await using one = new Process(dir.path);
  await using other = new Process(dir.path);
  await one.build();
  const events = toEvents([{}, {}, {}, {}]);
  const hold = true;
  await one.apply(events, [0, 2], hold);
  assertEquals(await other.apply(events, [0, 3]), 3);
  // Not as far as the batch begins: a part of it would be applied twice.
  assertEquals(await one.apply(events, [2, 4]), 1);
  assertEquals(await one.documents(), expected(events, 4));
});

Deno.test("a poison event behind held batches faults its projection exactly at that event", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  const events = toEvents([{}, {}, {}, { text: "poison" }, {}, {}]);
  const hold = true;
  await process.apply(events, [0, 2], hold);
  assertEquals(await process.apply(events, [2, 5]), 0);
  assertEquals(process.live.fault("Steps"), null);
  assertEquals(await process.cursor(), 0);
  // Again, as the loop does: now batch by batch.
  assertEquals(await process.apply(events, [0, 2], hold), 2);
  assertEquals(await process.apply(events, [2, 5], hold), 1);
  assertEquals(process.live.fault("Steps")?.position, 4);
  assertEquals(await process.documents(), expected(events, 3));
});

Deno.test("waitFor() resolves for what a faulted projection has applied", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  await process.apply(toEvents([{}, { text: "poison" }]), [0, 2]);
  assertEquals(process.live.fault("Steps")?.position, 2);
  await process.live.waitFor("Steps", 1);
});

Deno.test("apply() leaves a projection alone while someone else holds its live lock", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await using other = new Process(dir.path);
  await process.build();
  const events = toEvents([{}, {}]);
  const batch = { events, through: 2, bytes: 100 };
  const lock = await other.store.lockLive("Steps");
  assertEquals(await process.apply(events, [0, 2]), undefined);
  const waitUntil = AbortSignal.abort();
  assertEquals(
    await process.live.apply("Steps", batch, { after: 0, waitUntil }),
    undefined,
  );
  const waiting = process.live.apply("Steps", batch, {
    after: 0,
    waitUntil: new AbortController().signal,
  });
  lock[Symbol.dispose]();
  assertEquals(await waiting, 2);
});

Deno.test("readers never see a part of a commit", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  const text = "x".repeat(2_000);
  const count = 3_000;
  const events = toEvents(
    Array.from({ length: count }, (_, i) => ({ key: `key ${i}`, text })),
  );
  let isApplying = true;
  const applying = process.apply(events, [0, count])
    .finally(() => isApplying = false);
  const counts = new Set<number>();
  while (isApplying) {
    counts.add((await process.documents()).length);
    await setImmediate();
  }
  assertEquals(await applying, count);
  counts.delete(count);
  // Not a part of them at any time.
  assert(counts.size <= 1 && [...counts].every((size) => size === 0));
});

Deno.test("the first event that fails is the fault, whatever fails behind it and how", async () => {
  const first = fc.constantFrom("poison", "no key", "no tags");
  const texts = fc.tuple(
    fc.array(fc.constant(""), { minLength: 1, maxLength: 4 }),
    first,
    fc.array(fc.oneof(fc.constant(""), first), { maxLength: 5 }),
  ).map(([good, bad, rest]) => [...good, bad, ...rest]);
  await fc.assert(
    fc.asyncProperty(texts, fc.boolean(), async (texts, isWarm) => {
      using dir = new TempDir();
      await using one = new Process(dir.path);
      await one.build();
      const events = toEvents(texts.map((text) => ({ text })));
      if (isWarm) await one.apply(events, [0, 1]);
      // One that holds nothing in memory reads documents back.
      await using two = new Process(dir.path);
      await two.apply(events, [isWarm ? 1 : 0, events.length]);
      const failing = texts.findIndex((text) => text !== "") + 1;
      assertEquals(two.live.fault("Steps")?.position, failing);
      assertEquals(await one.cursor(), failing - 1);
      assertEquals(await two.documents(), expected(events, failing - 1));
    }),
    { numRuns: 30 },
  );
});

Deno.test("a fault is forgotten when another process has applied the event", async () => {
  using dir = new TempDir();
  await using one = new Process(dir.path);
  await using other = new Process(dir.path);
  await one.build();
  const events = toEvents([{}, { text: "poison" }, {}]);
  await one.apply(events, [0, 3]);
  assertEquals(one.live.fault("Steps")?.position, 2);
  try {
    refused.delete("poison");
    assertEquals(await other.apply(events, [1, 3]), 2);
  } finally {
    refused.add("poison");
  }
  assertEquals(await one.cursor(), 3);
  assertEquals(one.live.fault("Steps"), null);
});

Deno.test("what takes too much memory is not held, but stored at once", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path, 100_000);
  await process.build();
  const events = toEvents(
    Array.from({ length: 800 }, (_, i) => ({ key: `k${i}`, about: `k${i}` })),
  );
  const hold = true;
  assertEquals(await process.apply(events, [0, 2], hold), 0);
  assertEquals(await process.cursor(), 0);
  assertEquals(await process.apply(events, [2, 700], hold), 700);
  assertEquals(await process.cursor(), 700);
  await process.apply(events, [700, 800]);
  assertEquals(await process.documents(), expected(events, 800));
});

Deno.test("readers see what is applied to a file that was put in place of another", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  // Opened for reading.
  assertEquals(await process.cursor(), 0);
  const file = dir.file("Steps/000001.sqlite");
  Deno.copyFileSync(file, `${file}.copy`);
  Deno.renameSync(`${file}.copy`, file);
  for (const suffix of ["-wal", "-shm"]) Deno.removeSync(`${file}${suffix}`);
  const events = toEvents([{}, {}]);
  assertEquals(await process.apply(events, [0, 2]), 2);
  assertEquals(await process.cursor(), 2);
  assertEquals(await process.documents(), expected(events, 2));
});

Deno.test("what was held back and lost with its connection is applied again, and stored at once", async () => {
  using dir = new TempDir();
  await using process = new Process(dir.path);
  await process.build();
  const events = toEvents([{}, {}, {}, {}, {}, {}]);
  const hold = true;
  const loseConnections = () => {
    // As when more projections change than may have connections: this one opens anew.
    const file = dir.file("Steps/current.json");
    Deno.copyFileSync(file, `${file}.copy`);
    Deno.renameSync(`${file}.copy`, file);
  };
  await process.apply(events, [0, 2], hold);
  loseConnections();
  assertEquals(await process.apply(events, [2, 4], hold), 0);
  // Held again and lost again, it would never get on.
  await process.apply(events, [0, 2], hold);
  assertEquals(await process.cursor(), 2);
  loseConnections();
  await process.apply(events, [2, 6]);
  assertEquals(await process.documents(), expected(events, 6));
});
