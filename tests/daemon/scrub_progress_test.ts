import { assert, assertEquals, assertRejects } from "@std/assert";
import { openOpossum, type ScrubProgress, silentLogger } from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const KEYS = 120;

/** A store with 120 documents in each of two projections, one of which was built twice. */
async function openFilled(dir: TempDir) {
  const opossum = await openOpossum({
    path: dir.path,
    projections: [countingProjection("One"), countingProjection("Two")],
    logger: silentLogger,
    startDaemon: false,
  });
  for (let i = 0; i < KEYS; i++) {
    await opossum.events.append([
      { type: "Counted", data: { key: `k${i}`, by: 1 } },
    ]);
  }
  await opossum.rebuilder.rebuild(["One", "Two"]);
  await opossum.rebuilder.rebuild("Two");
  return opossum;
}

Deno.test("scrub() tells how many events and documents it looked at, of how many", async () => {
  using dir = new TempDir();
  await using opossum = await openFilled(dir);
  const told: ScrubProgress[] = [];
  const seen: (ScrubProgress | undefined)[] = [];
  assertEquals(opossum.scrubProgress, undefined);
  const report = await opossum.scrub({
    onProgress(now) {
      told.push(now);
      seen.push(opossum.scrubProgress);
    },
  });
  assert(report.ok);
  assertEquals(opossum.scrubProgress, undefined);
  // Whoever else looks sees the same.
  assertEquals(seen, told);
  for (const [i, now] of told.entries()) {
    assert(now.percent >= (told[i - 1]?.percent ?? 0), JSON.stringify(now));
    assertEquals([now.startedAt, now.events, now.projections], [
      report.startedAt,
      KEYS,
      2,
    ]);
  }
  const log = told.filter(({ phase }) => phase === "log").at(-1);
  assertEquals([log?.eventsChecked, log?.percent, log?.projectionName], [
    KEYS,
    50,
    null,
  ]);
  const documentsOf = (name: string) =>
    told.filter(({ projectionName }) => projectionName === name)
      .map(({ documentsChecked, documents }) => [documentsChecked, documents])
      .filter((each, i, all) => `${each}` !== `${all[i - 1]}`);
  const once = [[0, KEYS], [50, KEYS], [100, KEYS], [KEYS, KEYS]];
  assertEquals(documentsOf("One"), [[0, 0], ...once]);
  // The one that is kept for going back comes second.
  assertEquals(documentsOf("Two"), [[0, 0], ...once, ...once]);
  const last = told.at(-1);
  assertEquals([last?.projectionsChecked, last?.percent], [2, 100]);
});

Deno.test("what onProgress throws ends the scrub, and nothing is under way any more", async () => {
  using dir = new TempDir();
  await using opossum = await openFilled(dir);
  await opossum.events.append(counts(1));
  const enough = () => {
    throw new Error("Enough");
  };
  await assertRejects(
    () => opossum.scrub({ onProgress: enough }),
    Error,
    "Enough",
  );
  assertEquals(opossum.scrubProgress, undefined);
  assertEquals(opossum.scrubbingSince, undefined);
  assert((await opossum.scrub()).ok);
});
