/**
 * Windows in which rebuilds are scheduled: they open and close by the clock, and what they leave
 * undone waits for the next one.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { Logger, OpossumOptions, RebuildOperation } from "../../mod.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const MINUTE = 60_000;
const EVENTS = 10_000;

/** Every ten minutes in the night, for a minute, in which it does not come to its end. */
const SLOWLY = {
  cron: "*/10 3 * * *",
  duration: MINUTE,
  eventsPerSecondMax: 100,
};

function open(
  path: string,
  options: Partial<OpossumOptions>,
  events: MemoryEventStore,
): MemoryFixture {
  const settings = {
    enableAutoRebuild: false,
    rebuildGoodNeighbour: false,
    // Nobody sleeps but the schedule and the rebuild.
    pollingInterval: 3_600_000,
    batchSize: 500,
    ...options,
  };
  return openOverMemory(path, [countingProjection("One")], settings, events);
}

const newest = async ({ rebuilder }: MemoryFixture) =>
  (await rebuilder.listOperations({ limit: 1 }))[0];

/** Resolves with the operation that was begun after that one, while the clock stands still. */
async function nextOperation(
  opossum: MemoryFixture,
  last?: RebuildOperation,
): Promise<RebuildOperation> {
  for (;;) {
    const operation = await newest(opossum);
    if (operation && operation.id !== last?.id) return operation;
    await setImmediate();
  }
}

/**
 * Lets time pass until the operation has ended, or is as far as that. Whenever the rebuild works,
 * the clock stands still: the live loop, the end of the window and the rebuild itself sleep else.
 */
async function rebuild(
  { rebuilder }: MemoryFixture,
  { id }: RebuildOperation,
  clock: FakeClock,
  percentMax = 101,
): Promise<void> {
  let hasEnded = false;
  const ended = rebuilder.wait(id).finally(() => hasEnded = true);
  while (!hasEnded) {
    await Promise.race([clock.whenSleeping(3), ended]);
    const operation = await rebuilder.getOperation(id);
    if ((operation?.progress[0]?.percent ?? 0) > percentMax) return;
    if (!hasEnded) await clock.advance(100);
  }
}

Deno.test("a window opens on time, and rebuilds what needs it with its bounds", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:58:00Z");
  const events = new MemoryEventStore();
  await events.append(counts(100));
  const window = { cron: "0 3 * * *", concurrency: 2 };
  await using opossum = open(
    dir.path,
    { clock, rebuildSchedule: window },
    events,
  );
  await opossum.daemon.start();
  assertEquals(opossum.daemon.schedule(), [{
    cron: "0 3 * * *",
    duration: null,
    concurrency: 2,
    eventsPerSecondMax: null,
    isOpen: false,
    opensAt: "2026-01-01T03:00:00.000Z",
    closesAt: null,
    operationId: null,
  }]);
  await clock.whenSleeping(2);
  await clock.advance(2 * MINUTE - 1);
  assertEquals(await newest(opossum), undefined);
  await clock.advance(1);
  const { id } = await nextOperation(opossum);
  assert((await opossum.rebuilder.wait(id))?.success);
  const operation = await newest(opossum);
  assertEquals([operation?.trigger, operation?.concurrency], ["schedule", 2]);
  await clock.whenSleeping(2);
  const [status] = opossum.daemon.schedule();
  assertEquals(status?.operationId, id);
  assertEquals(status?.opensAt, "2026-01-02T03:00:00.000Z");
});

Deno.test("a window in which all is up to date adds nothing to the history", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:58:00Z");
  const upToDate = Promise.withResolvers<void>();
  const logger: Logger = {
    log(_level, message) {
      if (message.startsWith("All projections are up to date")) {
        upToDate.resolve();
      }
    },
  };
  const options = { clock, logger, rebuildSchedule: SLOWLY };
  await using opossum = open(dir.path, options, new MemoryEventStore());
  const { operationId } = await opossum.rebuilder.rebuildAll();
  await opossum.daemon.start();
  await clock.whenSleeping(2);
  await clock.advance(2 * MINUTE);
  await upToDate.promise;
  assertEquals((await newest(opossum))?.id, operationId);
});

Deno.test("what is not done when a window closes goes on in the next one, where it was", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:59:00Z");
  const events = new MemoryEventStore();
  await events.append(counts(EVENTS));
  const options = { clock, rebuildSchedule: SLOWLY };
  await using opossum = open(dir.path, options, events);
  const { rebuilder, daemon, projections } = opossum;
  await daemon.start();
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  const first = await nextOperation(opossum);
  assertEquals((await rebuilder.getRebuildStatus()).throttle, {
    share: 1,
    reason: null,
    eventsPerSecondMax: 100,
  });
  assert(daemon.schedule()[0]?.isOpen);
  await rebuild(opossum, first, clock);
  assertEquals((await newest(opossum))?.state, "interrupted");
  assertEquals((await projections.info("One")).state, "absent");
  await clock.whenSleeping(2);
  assertEquals((await rebuilder.getRebuildStatus()).throttle, {
    share: 1,
    reason: null,
    eventsPerSecondMax: null,
  });

  await clock.advance(9 * MINUTE);
  const second = await nextOperation(opossum, first);
  await rebuild(opossum, second, clock);
  const result = await rebuilder.wait(second.id);
  const [detail] = result?.details ?? [];
  assertEquals([detail?.success, detail?.reason], [true, "interrupted"]);
  assert((detail?.eventsScanned ?? EVENTS) < EVENTS);
  const { resumedBy } = await rebuilder.getOperation(first.id) ?? {};
  assertEquals(resumedBy, second.id);
  assertEquals((await projections.info("One")).checkpoint, EVENTS);
});

/** Closes a store in the middle of a rebuild and of its window. */
async function closeInWindow(
  path: string,
  events: MemoryEventStore,
): Promise<RebuildOperation> {
  const clock = new FakeClock("2026-01-01T03:00:00Z");
  const options = { clock, rebuildSchedule: SLOWLY };
  await using opossum = open(path, options, events);
  await opossum.daemon.start();
  const operation = await nextOperation(opossum);
  await rebuild(opossum, operation, clock, 30);
  return operation;
}

Deno.test("a restart leaves a scheduled rebuild to its window, and goes on in an open one", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(EVENTS));
  const options = { rebuildSchedule: SLOWLY };
  const last = await closeInWindow(dir.path, events);
  {
    const clock = new FakeClock("2026-01-01T03:05:00Z");
    await using opossum = open(dir.path, { clock, ...options }, events);
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    await clock.whenSleeping(2);
    const operation = await newest(opossum);
    assertEquals([operation?.id, operation?.state], [last.id, "interrupted"]);
  }
  {
    const clock = new FakeClock("2026-01-01T03:10:30Z");
    await using opossum = open(dir.path, { clock, ...options }, events);
    await opossum.daemon.start();
    const operation = await nextOperation(opossum, last);
    const [status] = opossum.daemon.schedule();
    assertEquals(status?.closesAt, "2026-01-01T03:11:00.000Z");
    await rebuild(opossum, operation, clock, 35);
    const [progress] = (await newest(opossum))?.progress ?? [];
    assert((progress?.percent ?? 0) - (progress?.eventsScanned ?? 0) / 100 > 9);
  }
});

Deno.test("a restart goes on at once where one of the windows has no end", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(EVENTS));
  const last = await closeInWindow(dir.path, events);
  const clock = new FakeClock("2026-01-01T03:05:00Z");
  const rebuildSchedule = [SLOWLY, { cron: "0 5 * * *" }];
  await using opossum = open(dir.path, { clock, rebuildSchedule }, events);
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  const operation = await newest(opossum);
  assertEquals([operation?.resumes, operation?.state], [last.id, "succeeded"]);
});

Deno.test("interrupt() leaves alone what another operation waits for", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(100));
  await using opossum = open(dir.path, {}, events);
  const { rebuilder } = opossum;
  const first = await rebuilder.start(["One"]);
  await rebuilder.pause(first.id);
  const second = await rebuilder.start(["One"]);
  assert(await rebuilder.interrupt(first.id));
  // What somebody has paused stays so until it is resumed.
  assertEquals((await rebuilder.getOperation(first.id))?.state, "paused");
  assert((await rebuilder.wait(second.id))?.success);
});
