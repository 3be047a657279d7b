import { assert, assertEquals } from "@std/assert";
import { makeBenchStore } from "../../bench/support/bench_store.ts";
import { runOpossum, runProgram } from "../../bench/support/child.ts";
import { measureFloor } from "../../bench/floor.ts";
import { seedStore } from "../../examples/course_management/seeder.ts";
import { openOpossum, type Opossum, silentLogger } from "../../mod.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Opens a store of several small segments. */
function open(path: string): Promise<Opossum> {
  return openOpossum({
    path,
    segmentBytesMax: 64 * 1_024,
    startDaemon: false,
    logger: silentLogger,
  });
}

async function seed(path: string, events: number): Promise<void> {
  await using opossum = await open(path);
  await seedStore(opossum.events, { events });
}

/** All bytes of a log, by segment. */
function segmentsOf(path: string): Map<string, string> {
  const names = [...Deno.readDirSync(`${path}/events`)].map(({ name }) => name);
  return new Map(
    names.sort().map((
      name,
    ) => [name, Deno.readTextFileSync(`${path}/events/${name}`)]),
  );
}

Deno.test("makeBenchStore() copies a store, and what is done to the copy leaves the store as it is", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  await seed(path, 3_000);
  const before = segmentsOf(path);
  assert(before.size > 1, "there are sealed segments, which are linked");
  const names = dir.list();
  {
    using copy = await makeBenchStore({ store: path, events: 1 });
    assertEquals(copy.events, 3_000);
    assertEquals(segmentsOf(copy.path), before);
    await using opossum = await open(copy.path);
    await opossum.events.append([{ type: "Appended", data: null }]);
    assertEquals(await opossum.events.head(), 3_001);
  }
  assertEquals(segmentsOf(path), before);
  assertEquals(dir.list(), names);
});

Deno.test("the yardstick folds the documents that a rebuild gives", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  await seed(path, 1_000);
  const { events, digest } = measureFloor(path);
  assertEquals(events, 1_000);
  const run: { durations: Record<string, number> } = JSON.parse(
    await runProgram("bench/rebuild_run.ts", [path]),
  );
  assertEquals(Object.keys(run.durations).length, 4);
  assertEquals(await runOpossum("digest", path), {
    digest,
    projections: Object.keys(run.durations),
  });
  assertEquals(measureFloor(path, "parse").digest, null);
});
