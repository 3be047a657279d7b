/** Scrubs of one folder by several processes. */
import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECTIONS = [countingProjection("Sums"), countingProjection("Others")];

Deno.test("what another process found later counts, for lastScrub() and for metrics", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  const openOne = () => openOverMemory(dir.path, PROJECTIONS, {}, events);
  await using here = openOne();
  await using there = openOne();
  await events.append(counts(30));
  await here.rebuilder.rebuild("Sums");
  assertEquals(await here.scrubber.countProblems(), undefined);
  assert((await here.scrubber.scrub()).ok);
  assertEquals(await here.scrubber.countProblems(), 0);
  damageDocuments(dir.file("projections/Sums/000001.sqlite"), [
    { kind: "change", at: 0 },
  ]);
  const found = await there.scrubber.scrub();
  assert(!found.ok);
  for (const scrubber of [here.scrubber, there.scrubber]) {
    assertEquals(await scrubber.lastScrub(), found);
    assertEquals(await scrubber.countProblems(), 1);
  }
  // And the other way round.
  const own = await here.scrubber.scrub({ projections: ["Others"] });
  for (const scrubber of [here.scrubber, there.scrubber]) {
    assertEquals(await scrubber.lastScrub(), own);
    assertEquals(await scrubber.countProblems(), 0);
  }
});
