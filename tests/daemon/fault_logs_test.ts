/**
 * What the log tells of a fault: that it begins, and that it is over.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { MemoryLogger } from "../log/support.ts";
import {
  countingProjection,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const FAULTED =
  "Projection faulted: it stands still until the event can be applied";
const OVER = "Projection is past its fault, and goes on";

Deno.test("a projection that is past its fault says so once, however it got there", async () => {
  using dir = new TempDir();
  const logger = new MemoryLogger();
  let unlucky = 13;
  const picky = countingProjection("Picky", {
    apply: (state, event) => {
      if (event.data.by === unlucky) throw new Error("unlucky");
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  await using opossum = openOverMemory(dir.path, [picky], { logger });
  const { events, daemon, projections } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  const append = async (...by: number[]) =>
    await events.append(by.map((by) => ({
      type: "Counted" as const,
      data: { key: "a", by },
    })));
  const told = () =>
    logger.records.flatMap(({ message, attributes }) =>
      message === FAULTED || message === OVER
        ? [[message, attributes.projection, attributes.position]]
        : []
    );
  const faulted = async () => {
    while ((await projections.info("Picky")).fault === null) {
      await setImmediate();
    }
  };
  await append(1, 13, 2);
  await faulted();
  assertEquals(told(), [[FAULTED, "Picky", 2]]);
  const begun = logger.records.find(({ message }) => message === FAULTED);
  assertStringIncludes(String(begun?.attributes.stack), "fault_logs_test.ts");
  // Its cause is gone, and somebody has it tried again.
  unlucky = 14;
  await daemon.retry("Picky");
  await projections.waitFor(3);
  assertEquals(told(), [[FAULTED, "Picky", 2], [OVER, "Picky", 2]]);
  // Passed over.
  await append(14, 3);
  await faulted();
  await daemon.skip("Picky", 4);
  await projections.waitFor(5);
  await append(4);
  await projections.waitFor(6);
  assertEquals(told().slice(2), [[FAULTED, "Picky", 4], [OVER, "Picky", 4]]);
});
