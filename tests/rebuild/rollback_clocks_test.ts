/**
 * Rollbacks and rebuilds of which clocks tell nothing: set back, or of several machines.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { MemoryEventStore } from "../../src/testing/mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { OFF, QUIET, twoVersions } from "./generation_fixture.ts";

/** The next process, by whose clock it is that late. */
function open(
  { path }: TempDir,
  events: MemoryEventStore,
  hour: number,
): MemoryFixture {
  const clock = new FakeClock(`2026-01-01T${hour}:00:00Z`);
  return openOverMemory(path, [OFF], { ...QUIET, clock }, events);
}

for (const hour of [11, 12, 13]) {
  Deno.test(`a rollback overrules what was interrupted at 12, by a clock that shows ${hour}`, async () => {
    using dir = new TempDir();
    const events = await twoVersions(dir.path);
    let asked = "";
    {
      await using opossum = open(dir, events, 12);
      ({ id: asked } = await opossum.rebuilder.start(["One"]));
      await opossum.rebuilder.pause(asked);
    }
    {
      await using opossum = open(dir, events, hour);
      await opossum.rebuilder.rollback("One");
    }
    await using opossum = open(dir, events, 14);
    await opossum.rebuilder.resumeInterrupted();
    // Nothing was rebuilt, and nothing says so.
    const result = await opossum.rebuilder.wait(asked);
    assertEquals([result?.state, result?.totalRebuilt], ["cancelled", 0]);
    assertEquals(result?.details[0]?.reason, "rolledBack");
    assertEquals((await opossum.projections.info("One")).generation, 1);
  });

  Deno.test(`a rebuild that is asked for after a rollback at 12 goes on, by a clock that shows ${hour}`, async () => {
    using dir = new TempDir();
    const events = await twoVersions(dir.path);
    let asked = "";
    {
      await using opossum = open(dir, events, 12);
      await opossum.rebuilder.rollback("One");
    }
    {
      await using opossum = open(dir, events, hour);
      ({ id: asked } = await opossum.rebuilder.start(["One"]));
      await opossum.rebuilder.pause(asked);
    }
    // Also a second time.
    await open(dir, events, 14)[Symbol.asyncDispose]();
    await using opossum = open(dir, events, 14);
    await opossum.rebuilder.resumeInterrupted();
    assert(await opossum.rebuilder.resume(asked));
    assert((await opossum.rebuilder.wait(asked))?.success);
    const operation = await opossum.rebuilder.getOperation(asked);
    assert(operation && !("rollbacksBefore" in operation));
    assertEquals((await opossum.projections.info("One")).generation, 3);
  });
}
