/**
 * How far a rebuild says it is: further whenever work is done, and never back, however it scans.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { setImmediate } from "node:timers";
import {
  defineProjection,
  openOpossum,
  silentLogger,
  type StoredEvent,
  systemClock,
} from "../../mod.ts";
import { toUnparsed } from "../../src/events/parsed_event.ts";
import { EventSpill } from "../../src/projections/event_spill.ts";
import { SqliteProjectionStore } from "../../src/projections/sqlite_projection_store.ts";
import { Headway } from "../../src/rebuild/headway.ts";
import { type PassMember, scanPass } from "../../src/rebuild/scan_pass.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { openOverMemory } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

const EVENTS = 600;
const BATCH = 50;
const KIBIBYTE = 1_024;

interface Put {
  readonly type: "Put";
  readonly data: { readonly key: string; readonly text: string };
}

function puts(): Put[] {
  return Array.from({ length: EVENTS }, (_, index) => ({
    type: "Put",
    data: { key: `k${index % 50}`, text: "x".repeat(4 * KIBIBYTE) },
  }));
}

function putting(name: string) {
  return defineProjection<{ texts: string[] }, Put>({
    name,
    version: 1,
    eventTypes: ["Put"],
    key: ({ data }) => data.key,
    apply: (state, { data }) => ({
      texts: [...state?.texts ?? [], data.text],
    }),
  });
}

/** How to scan. */
interface Way {
  readonly memoryBytesMax: number;
  /** Where each member begins. */
  readonly checkpoints: readonly number[];
  readonly guessKeys?: boolean;
  /** How many looks at the clock lie between two times that it is all stored. */
  readonly storedEvery?: number;
}

const WAYS: Record<string, Way> = {
  "in memory": { memoryBytesMax: 64 * KIBIBYTE ** 2, checkpoints: [0] },
  "putting aside": { memoryBytesMax: KIBIBYTE ** 2, checkpoints: [0] },
  "putting aside by guessed keys": {
    memoryBytesMax: KIBIBYTE ** 2,
    checkpoints: [0],
    guessKeys: true,
  },
  "putting aside, stored several times": {
    memoryBytesMax: KIBIBYTE ** 2,
    checkpoints: [0],
    storedEvery: 3,
  },
  "putting aside for two, one of them ahead": {
    memoryBytesMax: KIBIBYTE ** 2,
    checkpoints: [0, 230],
    storedEvery: 4,
  },
};

for (const [how, way] of Object.entries(WAYS)) {
  Deno.test(`a scan comes further with each batch and each part, and never back: ${how}`, async () => {
    using dir = new TempDir();
    await using store = new SqliteProjectionStore({
      directory: dir.path,
      fileSystem: denoFileSystem,
      clock: systemClock,
    });
    await using stack = new AsyncDisposableStack();
    const told = way.checkpoints.map((checkpoint) => [checkpoint]);
    const members: PassMember[] = [];
    for (const [index, checkpoint] of way.checkpoints.entries()) {
      const name = `P${index}`;
      const identity = { projectionName: name, version: 1, fingerprint: "f" };
      const build = stack.use(
        await store.begin({ ...identity, storeId: "s" }, { resume: false }),
      );
      members.push({
        definition: putting(name),
        generation: build.generation,
        checkpoint,
        isRunning: true,
        throwIfStopped: () => {},
        advance: ({ worked }) => void told[index]?.push(worked),
        fail: (error) => Promise.reject(error),
      });
    }
    let looks = 0;
    let spills = 0;
    const last = () => told.map((each) => each.at(-1) ?? 0);
    let atLastBatch: number[] = [];
    const events = puts().map((event, index): StoredEvent => ({
      ...event,
      position: index + 1,
      tags: [],
      id: crypto.randomUUID(),
      timestamp: "2026-01-01T00:00:00Z",
    }));
    await scanPass({
      ...way,
      members,
      guessKeys: way.guessKeys ?? false,
      upTo: EVENTS,
      batchSize: BATCH,
      checkpointInterval: (way.storedEvery ?? EVENTS) / 6,
      monotonicMs: () => looks++,
      breathe: () => Promise.resolve(),
      openSpill: () =>
        new EventSpill({
          fileSystem: denoFileSystem,
          path: dir.file(`spill${spills++}`),
        }),
      read: async function* () {
        for (let at = 0; at < EVENTS; at += BATCH) {
          const before = last();
          const batch = events.slice(at, at + BATCH);
          const bytes = 4.1 * KIBIBYTE * BATCH;
          await Promise.resolve();
          yield toUnparsed({ events: batch, through: at + BATCH, bytes });
          for (const [index, now] of last().entries()) {
            const isReached = at + BATCH > (way.checkpoints[index] ?? 0);
            if (isReached) assertGreater(now, before[index] ?? 0);
          }
          atLastBatch = last();
        }
      },
    });
    for (const [index, each] of told.entries()) {
      for (let i = 1; i < each.length; i++) {
        assert(
          (each[i] ?? 0) >= (each[i - 1] ?? 0),
          `${each[i - 1]}, ${each[i]}`,
        );
      }
      assertEquals(each.at(-1), EVENTS);
      if (way.storedEvery !== undefined || spills === 0) continue;
      // Folding what was put aside is the greater part of the work.
      const steps = new Set(each.slice(each.indexOf(atLastBatch[index] ?? 0)));
      assertGreater(steps.size, 10);
    }
    assertEquals(spills > 0, how !== "in memory");
    if (way.storedEvery !== undefined) assertGreater(spills, 1);
  });
}

Deno.test("percent grows with each batch of a rebuild that has to put events aside, and ends at 100", async () => {
  using dir = new TempDir();
  const events = new WatchedEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [putting("One")],
    { batchSize: BATCH, rebuildMemoryBytesMax: KIBIBYTE ** 2 },
    events,
  );
  await events.append(puts());
  const seen: number[] = [];
  events.onBatch = async () => {
    const { progress } = await opossum.rebuilder.getRebuildStatus();
    const [one] = progress;
    seen.push(one?.percent ?? NaN);
    // What is left, and when it ends, are made of the same.
    if (seen.length > 2) assert(one?.estimatedCompletionAt !== null);
  };
  const { operationId } = await opossum.rebuilder.rebuildAll();
  assertEquals(seen.length, EVENTS / BATCH);
  for (let i = 1; i < seen.length; i++) {
    assertGreater(seen[i] ?? 0, seen[i - 1] ?? 0, seen.join(" "));
  }
  const operation = await opossum.rebuilder.getOperation(operationId);
  assertEquals(operation?.progress[0]?.percent, 100);
});

Deno.test("percent grows with each batch on both sides of a comparison", async () => {
  using dir = new TempDir();
  const events = new WatchedEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [putting("One")],
    { batchSize: BATCH, startDaemon: false },
    events,
  );
  await events.append(puts().slice(0, EVENTS / 2));
  await opossum.rebuilder.rebuildAll();
  await events.append(puts().slice(EVENTS / 2));
  const seen: number[] = [];
  events.onBatch = async () => {
    const { progress } = await opossum.rebuilder.getRebuildStatus();
    seen.push(progress[0]?.percent ?? NaN);
  };
  const result = await opossum.rebuilder.rebuild("One", {
    verify: true,
  });
  assert(result.success);
  for (let i = 1; i < seen.length; i++) {
    assertGreater(seen[i] ?? 0, seen[i - 1] ?? 0, seen.join(" "));
  }
  assertEquals(seen.length, EVENTS / BATCH);
});

Deno.test("percent never goes back in a worker, also when guessed keys were wrong", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: import.meta.resolve("./worker_fixtures/counting.ts"),
    logger: silentLogger,
    startDaemon: false,
    rebuildMemoryBytesMax: KIBIBYTE ** 2,
  });
  const events = Array.from({ length: 24_000 }, (_, n) => ({
    type: "Counted",
    tags: [],
    data: { key: `k${n}`, other: "k", n },
  }));
  for (let at = 0; at < events.length; at += 8_000) {
    await opossum.events.append(events.slice(at, at + 8_000));
  }
  const { id } = await opossum.rebuilder.start(["Turncoats"]);
  let before = 0;
  let operation = await opossum.rebuilder.getOperation(id);
  while (operation?.completedAt === null) {
    const percent = operation.progress[0]?.percent ?? NaN;
    assert(percent >= before, `${before}, then ${percent}`);
    before = percent;
    await new Promise((resolve) => setImmediate(resolve));
    operation = await opossum.rebuilder.getOperation(id);
  }
  assert(operation?.result?.success);
  assertEquals(operation.progress[0]?.runsIn, "worker");
  assertEquals(operation.progress[0]?.percent, 100);
});

Deno.test("work that begins anew is spread over what is left, and moves from its first step", () => {
  const headway = new Headway();
  assert(headway.advance(40, 100));
  assertEquals(headway.done, 40);
  // Guessed wrong: from the beginning.
  assert(!headway.advance(0, 100));
  assertEquals(headway.done, 40);
  assert(headway.advance(50, 100));
  assertEquals(headway.done, 70);
  // Once more.
  assert(!headway.advance(20, 100));
  assert(headway.advance(60, 100));
  assertEquals(headway.done, 85);
  assert(headway.advance(100, 100));
  assertEquals(headway.done, 100);
  // What is appended meanwhile is as long as it is.
  assert(!headway.advance(100, 200));
  assert(headway.advance(150, 200));
  assertEquals(headway.done, 150);
});
