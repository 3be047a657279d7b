import { assert } from "@std/assert";
import type { RebuildOptions } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

for (const verify of [false, true]) {
  const what = verify ? "compares" : "catches up";
  Deno.test(`a rebuild that ${what} goes no faster than it may`, async () => {
    using dir = new TempDir();
    const clock = new FakeClock();
    let onApply = () => {};
    const definition = countingProjection("One", {
      apply: (state, event) => {
        onApply();
        return { sum: (state?.sum ?? 0) + event.data.by };
      },
    });
    await using opossum = openOverMemory(dir.path, [definition], {
      clock,
      batchSize: 500,
      rebuildGoodNeighbour: false,
      rebuildEventsPerSecondMax: 100,
    });
    const { rebuilder, events } = opossum;
    /** Lets time pass until it is done. */
    const rebuild = async (options: RebuildOptions = {}) => {
      let hasEnded = false;
      const ended = rebuilder.rebuild("One", options).finally(() => {
        hasEnded = true;
      });
      while (!hasEnded) {
        await Promise.race([clock.whenSleeping(1), ended]);
        if (!hasEnded) await clock.advance(1_000);
      }
      assert((await ended).success);
    };
    await events.append(counts(10));
    await rebuild();
    const { checkpoint } = await opossum.projections.info("One");
    assert(checkpoint === 10 && clock.monotonicMs() < 10_000);
    let appended: Promise<unknown> | undefined;
    onApply = () => {
      appended ??= events.append(counts(10_000));
    };
    await rebuild({ verify });
    await appended;
    assert(clock.monotonicMs() > 90_000);
  });
}
