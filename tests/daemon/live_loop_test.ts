import { assert, assertEquals } from "@std/assert";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

const EVENTS = 100;

/** Projections that are built of nothing, and a log for them to catch up with. */
async function openBehind(
  path: string,
  names: readonly string[],
): Promise<MemoryFixture & { readonly events: WatchedEventStore }> {
  const events = new WatchedEventStore();
  const opossum = openOverMemory(
    path,
    names.map((name) => countingProjection(name)),
    { batchSize: 2, enableAutoRebuild: false },
    events,
  );
  await opossum.rebuilder.rebuildAll();
  return { ...opossum, events };
}

async function sum({ projections }: MemoryFixture): Promise<number> {
  const { documents } = await projections.list<{ sum: number }>("One");
  return documents.reduce((total, { state }) => total + state.sum, 0);
}

function sumUpTo(position: number): number {
  return position * (position + 1) / 2;
}

Deno.test("a long backlog is stored a few batches at a time, and all of it", async () => {
  using dir = new TempDir();
  await using opossum = await openBehind(dir.path, ["One"]);
  const { events, daemon, projections } = opossum;
  await events.append(counts(EVENTS));
  const checkpoints = new Set<number>();
  events.onBatch = async () => {
    checkpoints.add((await projections.info("One")).checkpoint);
  };
  await daemon.start();
  await projections.waitFor(EVENTS);
  assertEquals(await sum(opossum), sumUpTo(EVENTS));
  // Sixteen batches of two events each.
  assertEquals([...checkpoints], [0, 32, 64, 96]);
});

Deno.test("projections at different positions catch up in turn", async () => {
  using dir = new TempDir();
  await using opossum = await openBehind(dir.path, ["One", "Two"]);
  const { events, daemon, projections, rebuilder } = opossum;
  await events.append(counts(EVENTS / 2));
  await rebuilder.rebuild("Two");
  await events.append(counts(EVENTS / 2));
  const first = Promise.withResolvers<number>();
  events.onBatch = ({ through }) => first.resolve(through);
  await daemon.start();
  await projections.waitFor(EVENTS);
  // Who is nearer to the head goes first.
  assertEquals(await first.promise, EVENTS / 2 + 2);
  for (const name of ["One", "Two"]) {
    assertEquals((await projections.info(name)).checkpoint, EVENTS);
  }
});

Deno.test("what was read before the log could not be read any more is stored", async () => {
  using dir = new TempDir();
  await using opossum = await openBehind(dir.path, ["One"]);
  const { events, daemon, projections } = opossum;
  await events.append(counts(EVENTS));
  events.onBatch = ({ through }) => {
    if (through > 40) throw new Error("Damaged");
  };
  await daemon.start();
  await projections.waitFor(40);
  assertEquals((await projections.info("One")).checkpoint, 40);
  assertEquals(await sum(opossum), sumUpTo(40));
});

Deno.test("stop() stores the batch at hand with those that were held back", async () => {
  using dir = new TempDir();
  await using opossum = await openBehind(dir.path, ["One"]);
  const { events, daemon, projections } = opossum;
  await events.append(counts(EVENTS));
  const stopping = Promise.withResolvers<Promise<void>>();
  events.onBatch = ({ through }) => {
    if (through === 6) stopping.resolve(daemon.stop());
  };
  await daemon.start();
  await (await stopping.promise);
  assertEquals((await projections.info("One")).checkpoint, 6);
  assertEquals(await sum(opossum), sumUpTo(6));
});

Deno.test("a projection whose generation is being switched does not hold up the others", async () => {
  using dir = new TempDir();
  const gate = Promise.withResolvers<void>();
  const swapping = Promise.withResolvers<void>();
  let isSlow = false;
  const fileSystem = withSync("Two/current.json", async (next) => {
    if (isSlow) {
      swapping.resolve();
      await gate.promise;
    }
    await next();
  });
  const definitions = [countingProjection("Two"), countingProjection("One")];
  await using opossum = openOverMemory(
    dir.path,
    definitions,
    {},
    undefined,
    fileSystem,
  );
  const { events, daemon, projections, rebuilder } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  isSlow = true;
  const rebuilding = rebuilder.rebuild("Two");
  await swapping.promise;
  for (const event of counts(3)) {
    const { last } = await events.append([event]);
    await projections.waitFor(last, { names: ["One"] });
  }
  assertEquals((await projections.info("Two")).checkpoint, 0);
  gate.resolve();
  assert((await rebuilding).success);
  await projections.waitFor(3);
});
