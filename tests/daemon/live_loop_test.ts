import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { OpossumOptions } from "../../mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { withSync } from "../support/slow_sync.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

const EVENTS = 100;

/** Projections that are built of nothing, and a log for them to catch up with. */
async function openBehind(
  path: string,
  names: readonly string[],
  options: Partial<OpossumOptions> = {},
): Promise<MemoryFixture & { readonly events: WatchedEventStore }> {
  const events = new WatchedEventStore();
  const opossum = openOverMemory(
    path,
    names.map((name) => countingProjection(name)),
    { batchSize: 2, enableAutoRebuild: false, ...options },
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
  await using opossum = await openBehind(dir.path, ["One"], {
    clock: new FakeClock(),
  });
  const { events, daemon, projections } = opossum;
  await events.append(counts(400));
  const checkpoints = new Set<number>();
  events.onBatch = async () => {
    checkpoints.add((await projections.info("One")).checkpoint);
  };
  await daemon.start();
  await projections.waitFor(400);
  assertEquals(await sum(opossum), sumUpTo(400));
  // Sixty-four batches of two events each.
  assertEquals([...checkpoints], [0, 128, 256, 384]);
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

Deno.test("nobody waits for a projection that another process is changing while there is more to apply", async () => {
  using dir = new TempDir();
  // It stands still: who waits for a lock waits for ever.
  const clock = new FakeClock();
  await using opossum = await openBehind(dir.path, ["One", "Two"], { clock });
  const { events, daemon, projections } = opossum;
  await events.append(counts(400));
  {
    using lock = Deno.openSync(dir.file("projections/Two/live.lock"), {
      read: true,
      write: true,
    });
    const exclusive = true;
    lock.lockSync(exclusive);
    await daemon.start();
    await projections.waitFor(400, { names: ["One"] });
    assertEquals((await projections.info("Two")).checkpoint, 0);
  }
  const waiting = projections.waitFor(400);
  // Whoever looks for the lock from time to time finds it now.
  await clock.advance(2_000);
  await waiting;
});

Deno.test("nobody waits long for what is held back, however slow the projection", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using opossum = await openBehind(dir.path, ["One"], { clock });
  const { events, daemon, projections } = opossum;
  await events.append(counts(20));
  const checkpoints: number[] = [];
  events.onBatch = async () => {
    checkpoints.push((await projections.info("One")).checkpoint);
    await clock.advance(300);
  };
  await daemon.start();
  await projections.waitFor(20);
  // Two batches of two events each take longer than half a second.
  assertEquals(checkpoints, [0, 0, 4, 4, 8, 8, 12, 12, 16, 16]);
});

Deno.test("a projection that could not be stored is tried again while others still catch up", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const options = { clock, pollingInterval: 1_000 };
  await using opossum = await openBehind(dir.path, ["One", "Two"], options);
  const { events, daemon, projections } = opossum;
  using database = new DatabaseSync(dir.file("projections/One/000001.sqlite"));
  database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'full'); END",
  );
  await events.append(counts(EVENTS));
  const isFree = Promise.withResolvers<void>();
  let seen: number | undefined;
  events.onBatch = async ({ through }) => {
    const { checkpoint } = await projections.info("Two");
    if (checkpoint > 0) {
      database.exec("DROP TRIGGER IF EXISTS full");
      isFree.resolve();
    }
    await clock.advance(500);
    if (through === EVENTS) {
      seen ??= (await projections.info("One")).checkpoint;
    }
  };
  await daemon.start();
  await projections.waitFor(EVENTS);
  await isFree.promise;
  // Not only once the other one was through.
  assert((seen ?? 0) > 0);
});

Deno.test("what somebody waits for is not held back", async () => {
  using dir = new TempDir();
  await using opossum = await openBehind(dir.path, ["One", "Two"]);
  const { events, daemon, projections } = opossum;
  await events.append(counts(EVENTS));
  const waiting = projections.waitFor(3, { names: ["One"] });
  const checkpoints: number[] = [];
  events.onBatch = async () => {
    checkpoints.push((await projections.info("One")).checkpoint);
  };
  await daemon.start();
  await waiting;
  await projections.waitFor(EVENTS);
  assertEquals(checkpoints.slice(0, 4), [0, 0, 4, 4]);
});

Deno.test("a projection whose files cannot be used keeps no other from its updates", async () => {
  for (const file of ["current.json", "owner.lock"]) {
    using dir = new TempDir();
    await using opossum = await openBehind(dir.path, ["One", "Two"]);
    const { events, daemon, projections } = opossum;
    const folder = dir.file("projections/One");
    await Deno.remove(folder, { recursive: true });
    if (file === "current.json") await Deno.writeTextFile(folder, "no folder");
    else {
      await opossum.rebuilder.rebuild("One");
      await Deno.mkdir(`${folder}/${file}`);
    }
    await events.append(counts(EVENTS));
    await daemon.start();
    await projections.waitFor(EVENTS, { names: ["Two"] });
  }
});

Deno.test("a projection before the place that cannot be read comes up to it, though others are stuck there", async () => {
  using dir = new TempDir();
  const options = { pollingInterval: 3_600_000 };
  await using opossum = await openBehind(dir.path, ["One", "Two"], options);
  const { events, daemon, projections, rebuilder } = opossum;
  await events.append(counts(40));
  await rebuilder.rebuild("Two");
  await events.append(counts(EVENTS - 40));
  events.onBatch = ({ through }) => {
    if (through > 40) throw new Error("Damaged");
  };
  await daemon.start();
  await projections.waitFor(40, { names: ["One"] });
  assertEquals((await projections.info("Two")).checkpoint, 40);
});

Deno.test("retry() while a batch is applied lets nobody go on before it is stored", async () => {
  using dir = new TempDir();
  // Somewhere in between, whatever the steps that either takes.
  for (let steps = 0; steps < 20; steps++) {
    const path = dir.file(`${steps}`);
    let isFirst = true;
    const retry = async () => {
      if (!isFirst) return;
      isFirst = false;
      for (let step = 0; step < steps; step++) await Promise.resolve();
      await daemon.retry("One");
    };
    await using opossum = openOverMemory(path, [
      countingProjection("One", {
        apply(state, { data }) {
          void retry();
          return { sum: (state?.sum ?? 0) + data.by };
        },
      }),
    ]);
    const { events, daemon, projections } = opossum;
    await daemon.start();
    await daemon.whenStarted();
    const { last } = await events.append(counts(1));
    await projections.waitFor(last);
    assertEquals((await projections.info("One")).checkpoint, last);
  }
});

Deno.test("a logger that throws, as on a full disk, keeps nothing from going on", async () => {
  using dir = new TempDir();
  const poisoned = countingProjection("Poisoned", {
    apply() {
      throw new Error("Poison");
    },
  });
  await using opossum = openOverMemory(
    dir.path,
    [poisoned, countingProjection("Sound")],
    {
      logger: {
        log() {
          throw new Error("No space left on device");
        },
      },
    },
  );
  const { events, daemon, projections } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  const { last } = await events.append(counts(3));
  await projections.waitFor(last, { names: ["Sound"] });
  assert((await projections.info("Poisoned")).fault !== null);
});
