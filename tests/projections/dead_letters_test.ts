import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { missesSkips } from "../../src/projections/dead_letters.ts";
import type { Generation } from "../../src/projections/projection_store.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("dead letters of earlier processes count against their bound, as in a rebuild", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  const failing = countingProjection("One", {
    errorPolicy: "skip",
    deadLettersMax: 2,
    apply: () => {
      throw new Error("It cannot be applied");
    },
  });
  const open = () => openOverMemory(dir.path, [failing], {}, events);
  {
    await using opossum = open();
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    await events.append(counts(2));
    await opossum.projections.waitFor(2);
  }
  await using opossum = open();
  const { daemon, projections, rebuilder } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  await events.append(counts(1));
  let info = await projections.info("One");
  // Either it stands still on the third, or it passes over that as well.
  while (info.fault === null && info.checkpoint < 3) {
    await setImmediate();
    info = await projections.info("One");
  }
  assertEquals([info.checkpoint, info.fault?.position], [2, 3]);
  const { details } = await rebuilder.rebuild("One");
  assertEquals(details[0]?.error?.position, 3);
});

Deno.test("missesSkips() tells a generation that applied what is ordered to be passed over, its last event too", async () => {
  const misses = (checkpoint: number, passedOver: number[]) =>
    missesSkips({
      orders: () => Promise.resolve({ skips: [5], suspects: [] }),
      status: () => Promise.resolve({ checkpoint }),
      deadLetters: () =>
        Promise.resolve(
          passedOver.map((position) => ({ position, reason: "ordered" })),
        ),
    } as unknown as Generation);
  const outcomes = [
    await misses(4, []),
    await misses(5, []),
    await misses(6, []),
    await misses(5, [5]),
    await misses(6, [4, 5]),
  ];
  assertEquals(outcomes, [false, true, true, false, false]);
});
