/**
 * Windows of the schedule while the wall clock is set back.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const MINUTE = 60_000;

const SETTINGS = {
  enableAutoRebuild: false,
  rebuildGoodNeighbour: false,
  // Nobody sleeps but the schedule and the rebuild.
  pollingInterval: 3_600_000,
} as const;

Deno.test("a window opens though the clock was years ahead when the store was opened", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2036-01-01T12:00:00Z");
  const events = new MemoryEventStore();
  await events.append(counts(10));
  const options = { ...SETTINGS, clock, rebuildSchedule: "0 3 * * *" };
  const definitions = [countingProjection("One")];
  await using opossum = openOverMemory(dir.path, definitions, options, events);
  const { daemon, rebuilder } = opossum;
  await daemon.start();
  await clock.whenSleeping(2);
  clock.setWallClock("2026-01-01T02:58:00Z");
  await clock.advance(MINUTE);
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  for (let looks = 0; looks < 10_000; looks++) {
    if ((await rebuilder.listOperations()).length > 0) break;
    await setImmediate();
  }
  const [operation] = await rebuilder.listOperations();
  assertEquals(operation?.trigger, "schedule");
  assert((await rebuilder.wait(operation?.id ?? ""))?.success);
});

Deno.test("a window closes when its time is over though the clock was set back in it", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:59:00Z");
  const events = new MemoryEventStore();
  await events.append(counts(10_000));
  const window = {
    cron: "0 3 * * *",
    duration: MINUTE,
    eventsPerSecondMax: 100,
  };
  const options = {
    ...SETTINGS,
    clock,
    batchSize: 500,
    rebuildSchedule: window,
  };
  const definitions = [countingProjection("One")];
  await using opossum = openOverMemory(dir.path, definitions, options, events);
  const { daemon, rebuilder } = opossum;
  await daemon.start();
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  // The live loop, the end of the window, and the rebuild.
  await clock.whenSleeping(3);
  clock.setWallClock("2025-12-31T12:00:00Z");
  for (let passedMs = 0; passedMs <= MINUTE; passedMs += 1_000) {
    await clock.advance(1_000);
  }
  for (let looks = 0; looks < 10_000; looks++) {
    if (!daemon.schedule()[0]?.isOpen) break;
    await setImmediate();
  }
  const [operation] = await rebuilder.listOperations();
  assertEquals(operation?.state, "interrupted");
});

Deno.test("a scrub is due though the clock was years ahead when the store was opened", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2036-01-01T12:00:00Z");
  const options = { ...SETTINGS, clock, scrubSchedule: "0 3 * * *" };
  const definitions = [countingProjection("One")];
  await using opossum = openOverMemory(dir.path, definitions, options);
  await opossum.daemon.start();
  await clock.whenSleeping(2);
  clock.setWallClock("2026-01-01T02:58:00Z");
  await clock.advance(MINUTE);
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  for (let looks = 0; looks < 10_000; looks++) {
    if (await opossum.scrubber.lastScrub()) break;
    await setImmediate();
  }
  const report = await opossum.scrubber.lastScrub();
  assertEquals(report?.startedAt, "2026-01-01T03:00:00.000Z");
});
