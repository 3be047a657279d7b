import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
} from "@std/assert";
import type { ProjectionRepairProgress } from "../../mod.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { damageDocuments } from "./repair_fixture.ts";
import { change, changesOf, FILE, sums } from "./sums_fixture.ts";

/** What is told of the phases, the same in a row once. */
function phasesOf(told: readonly ProjectionRepairProgress[]): string[] {
  return told.map(({ phase }) => phase)
    .filter((phase, i, all) => phase !== all[i - 1]);
}

/** Nothing goes back. */
function assertGrows(told: readonly ProjectionRepairProgress[]): void {
  for (const [i, now] of told.entries()) {
    const before = told[i - 1] ?? now;
    assert(now.percent >= before.percent, JSON.stringify([before, now]));
    assert(now.position >= before.position);
    assert(now.documentsChecked >= before.documentsChecked);
    assert(now.position <= now.target || now.phase !== "scanning");
  }
}

Deno.test("repair() tells how many documents it looked at, how far it folded the log, and what it folds anew", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums], { batchSize: 10 });
  const { events, rebuilder, projections } = opossum;
  const others = Array.from({ length: 247 }, (_, i) => ({
    type: "Counted" as const,
    data: { key: `k${i}`, by: 1 },
  }));
  await events.append([...others, ...counts(3)]);
  await rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [change(0), { kind: "delete", at: 1 }]);
  const told: ProjectionRepairProgress[] = [];
  await rebuilder.repair("Sums", { onProgress: (now) => told.push(now) });
  assertGrows(told);
  assertEquals(phasesOf(told), [
    "checking",
    "scanning",
    "comparing",
    "changing",
  ]);
  assertEquals(
    told.filter(({ phase }) => phase === "checking")
      .map(({ documentsChecked, documents }) => [documentsChecked, documents]),
    // One of them is lost, and the projection does not know.
    [[0, 250], [100, 250], [200, 250], [249, 250]],
  );
  const scanned = told.filter(({ phase }) => phase === "scanning");
  assertEquals(scanned.map(({ target }) => target), scanned.map(() => 250));
  assertEquals(
    scanned.map(({ position }) => position),
    Array.from({ length: 26 }, (_, i) => i * 10),
  );
  const last = told.at(-1);
  assertEquals([last?.projectionName, last?.keys], ["Sums", 2]);
  assertEquals((await projections.info("Sums")).repair, null);
});

Deno.test("rebuildKeys() tells how far it folded the log", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums], { batchSize: 2 });
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuild("Sums");
  const told: ProjectionRepairProgress[] = [];
  await opossum.rebuilder.rebuildKeys("Sums", ["a"], {
    onProgress: (now) => told.push(now),
  });
  assertGrows(told);
  assertEquals(phasesOf(told), ["scanning", "changing"]);
  const scanned = told.filter(({ phase }) => phase === "scanning");
  assertEquals(scanned.at(-1)?.position, 6);
  assertEquals(scanned.at(-1)?.percent, 90);
});

Deno.test("what onProgress throws ends the repair, and changes nothing", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [sums]);
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuild("Sums");
  damageDocuments(dir.file(FILE), [change(0)]);
  await assertRejects(
    () =>
      opossum.rebuilder.repair("Sums", {
        onProgress() {
          throw new Error("Enough");
        },
      }),
    Error,
    "Enough",
  );
  const { state, repair } = await opossum.projections.info("Sums");
  assertEquals([state, repair], ["ready", null]);
  assertEquals(changesOf(await opossum.rebuilder.repair("Sums")), {
    a: "changed",
  });
});

Deno.test("info() tells of a repair under way, with its rate, and of those that wait: no more than maxConcurrentRebuilds go on at once", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  const log = new MemoryEventStore();
  const names = ["One", "Two", "Three"];
  const options = {
    clock,
    batchSize: 2,
    maxConcurrentRebuilds: 2,
    rebuildGoodNeighbour: false,
  } as const;
  const definitions = names.map((name) => countingProjection(name));
  {
    await using builder = openOverMemory(dir.path, definitions, options, log);
    await log.append(counts(6));
    await builder.rebuilder.rebuildAll();
  }
  await using opossum = openOverMemory(dir.path, definitions, {
    ...options,
    // Each of two that share it rests for 40 ms after two events.
    rebuildEventsPerSecondMax: 100,
  }, log);
  const { projections, rebuilder } = opossum;
  const repairOf = async (name: string) =>
    (await projections.info(name)).repair;
  const stop = new AbortController();
  const repairing = names.map((name) =>
    rebuilder.repair(name, name === "Three" ? { signal: stop.signal } : {})
  );
  const given = assertRejects(() => repairing[2] ?? Promise.resolve(), Error);
  await clock.whenSleeping(2);
  assertEquals(
    (await Promise.all(names.map(repairOf))).map((each) => each?.phase),
    ["scanning", "scanning", "queued"],
  );
  // Whoever gives up while waiting is not waited for, and takes no place from others.
  stop.abort(new Error("Enough"));
  await given;
  assertEquals(await repairOf("Three"), null);
  await clock.advance(40);
  await clock.whenSleeping(2);
  const now = await repairOf("One");
  assertEquals([now?.position, now?.target, now?.documents], [4, 6, 3]);
  assertGreater(now?.perSecond ?? 0, 0);
  await clock.advance(10_000);
  await Promise.all(repairing.slice(0, 2));
  const again = ["Two", "Three"].map((name) => rebuilder.repair(name));
  await clock.whenSleeping(2);
  assertEquals(
    (await Promise.all(names.map(repairOf))).map((each) => each?.phase),
    [undefined, "scanning", "scanning"],
  );
  await clock.advance(10_000);
  await Promise.all(again);
});
