/**
 * The daemon waits for no operator: what is paused stays so, and keeps nothing else from being
 * rebuilt.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { Logger, OpossumOptions } from "../../mod.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const MINUTE = 60_000;
const OPENS = "Window for rebuilds opens";
const HELD_BACK =
  "No projection is rebuilt: those that are not up to date are held back";

/** Knows how often something was logged, and waits for it. */
class Lines implements Logger {
  readonly #counts = new Map<string, number>();

  log(_level: string, message: string): void {
    this.#counts.set(message, (this.#counts.get(message) ?? 0) + 1);
  }

  async until(message: string, count: number): Promise<void> {
    while ((this.#counts.get(message) ?? 0) < count) await setImmediate();
  }
}

/** A store whose first rebuild pauses itself in the middle. */
async function openPausing(
  path: string,
  options: Partial<OpossumOptions>,
): Promise<{ readonly opossum: MemoryFixture; paused(): Promise<string> }> {
  const events = new MemoryEventStore();
  await events.append(counts(10));
  const paused = Promise.withResolvers<string>();
  let isFirst = true;
  const pause = async () => {
    const [operation] = await opossum.rebuilder.listOperations();
    const { id } = operation ?? { id: "" };
    assert(await opossum.rebuilder.pause(id));
    paused.resolve(id);
  };
  const definition = countingProjection("One", {
    apply: (state, event) => {
      if (isFirst) pause().catch(paused.reject);
      isFirst = false;
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  const opossum = openOverMemory(path, [definition], {
    rebuildGoodNeighbour: false,
    pollingInterval: 3_600_000,
    ...options,
  }, events);
  return { opossum, paused: () => paused.promise };
}

Deno.test("what is paused when its window closes is paused in the next one, until it is resumed", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:59:00Z");
  const logger = new Lines();
  const { opossum, paused } = await openPausing(dir.path, {
    clock,
    logger,
    enableAutoRebuild: false,
    rebuildSchedule: { cron: "*/10 3 * * *", duration: MINUTE },
  });
  await using _open = opossum;
  const { rebuilder, daemon, projections } = opossum;
  await daemon.start();
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  const id = await paused();
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  while (daemon.schedule()[0]?.isOpen) await setImmediate();
  await clock.whenSleeping(2);
  await clock.advance(9 * MINUTE);
  await logger.until(HELD_BACK, 1);
  const operations = await rebuilder.listOperations();
  assertEquals(operations.map(({ id, state }) => [id, state]), [
    [id, "paused"],
  ]);
  assert(await rebuilder.resume(id));
  assert((await rebuilder.wait(id))?.success);
  assertEquals((await projections.info("One")).checkpoint, 10);
});

Deno.test("a window without an end opens again though its last rebuild is paused", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T02:59:00Z");
  const logger = new Lines();
  const { opossum, paused } = await openPausing(dir.path, {
    clock,
    logger,
    enableAutoRebuild: false,
    rebuildSchedule: "0 3 * * *",
  });
  await using _open = opossum;
  const { rebuilder, daemon } = opossum;
  await daemon.start();
  await clock.whenSleeping(2);
  await clock.advance(MINUTE);
  const id = await paused();
  await clock.whenSleeping(2);
  await clock.advance(24 * 60 * MINUTE);
  await logger.until(OPENS, 2);
  await logger.until(HELD_BACK, 1);
  assertEquals((await rebuilder.getOperation(id))?.state, "paused");
  assert(await rebuilder.resume(id));
  assert((await rebuilder.wait(id))?.success);
});

Deno.test("a start is over though its rebuild is paused", async () => {
  using dir = new TempDir();
  const { opossum, paused } = await openPausing(dir.path, {});
  await using _open = opossum;
  const { rebuilder, daemon } = opossum;
  await daemon.start();
  const id = await paused();
  await daemon.whenStarted();
  assertEquals(daemon.state, "running");
  assert(await rebuilder.resume(id));
  assert((await rebuilder.wait(id))?.success);
});
