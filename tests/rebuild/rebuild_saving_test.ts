import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { type Clock, systemClock } from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("a rebuild saves less often when saving takes long", async () => {
  using dir = new TempDir();
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const spentMs = { applying: 0, saving: 0 };
  const slow = countingProjection("Slow", {
    apply: (state, event) => {
      nowMs += 10;
      spentMs.applying += 10;
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
    // Asked for each document that is saved.
    tags: () => {
      nowMs += 100;
      spentMs.saving += 100;
      return [];
    },
  });
  await using opossum = openOverMemory(dir.path, [slow], {
    clock,
    batchSize: 10,
    rebuildCheckpointInterval: 100,
  });
  await opossum.events.append(counts(3_000));
  const { totalRebuilt } = await opossum.rebuilder.rebuildAll();
  assertEquals([totalRebuilt, spentMs.applying], [1, 30_000]);
  // Saved every 100 ms, it would take three times as long as everything else.
  assertGreater(spentMs.saving, 300);
  assertLess(spentMs.saving, spentMs.applying / 5);
});
