import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  InsufficientDiskSpaceError,
  type ProjectionInfo,
  type RebuildOperation,
} from "../../mod.ts";
import { bytesOf, estimateRebuild } from "../../src/rebuild/estimate.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = ["One", "Two", "Three"];

/** An operation in which these were rebuilt. */
function rebuilt(
  details: readonly { name: string; scanned: number; duration: number }[],
  { success = true } = {},
): RebuildOperation {
  return {
    result: {
      details: details.map(({ name, scanned, duration }) => ({
        projectionName: name,
        success,
        duration,
        eventsScanned: scanned,
      })),
    },
  } as unknown as RebuildOperation;
}

function estimate(
  history: readonly RebuildOperation[],
  { head = 1_000, concurrency = 1, names = NAMES, cap = Infinity } = {},
): number | null {
  const surveyed = names.map((projectionName) => ({
    planned: {
      projectionName,
      reason: "forced",
      rebuild: true,
      events: head,
      checkpoint: 0,
    } as const,
    info: { bytes: 0, checkpoint: 0 } as never,
  }));
  return estimateRebuild({
    surveyed,
    infos: [],
    history,
    head,
    concurrency,
    disk: undefined,
    eventsPerSecondMax: Number.isFinite(cap) ? cap : null,
  }).estimatedDuration;
}

Deno.test("an estimate takes the rate of each projection's last rebuild", () => {
  const history = [
    rebuilt([{ name: "One", scanned: 1_000, duration: 100 }]),
    rebuilt([{ name: "One", scanned: 1_000, duration: 9 }]),
    rebuilt([{ name: "Two", scanned: 500, duration: 100 }]),
    rebuilt([{ name: "Three", scanned: 1_000, duration: 300 }]),
  ];
  assertEquals(estimate(history), 100 + 200 + 300);
  // Two places: the first takes 100 and then the third, the other one 200.
  assertEquals(estimate(history, { concurrency: 2 }), 400);
  assertEquals(estimate(history, { concurrency: 3 }), 300);
  assertEquals(estimate(history, { head: 2_000, concurrency: 3 }), 600);
});

Deno.test("an estimate does not promise more than the cap of events allows", () => {
  const history = [
    rebuilt([{ name: "One", scanned: 1_000, duration: 100 }]),
  ];
  const options = { names: ["One"] };
  assertEquals(estimate(history, { ...options, cap: 500 }), 2_000);
  assertEquals(estimate(history, { ...options, cap: 50_000 }), 100);
  assertEquals(estimate([], { ...options, cap: 500 }), null);
});

Deno.test("an estimate judges what was never rebuilt by the slowest that was", () => {
  const history = [rebuilt([
    { name: "One", scanned: 1_000, duration: 100 },
    { name: "Two", scanned: 1_000, duration: 250 },
  ])];
  assertEquals(estimate(history, { concurrency: 3 }), 250);
  assertEquals(estimate(history, { names: ["Three"] }), 250);
});

Deno.test("an estimate says nothing where nothing like it was measured", () => {
  assertEquals(estimate([]), null);
  assertEquals(
    estimate([rebuilt([{ name: "One", scanned: 99, duration: 50 }])]),
    null,
  );
  const failed = rebuilt([{ name: "One", scanned: 1_000, duration: 50 }], {
    success: false,
  });
  assertEquals(estimate([failed]), null);
  assertEquals(
    estimate([rebuilt([{ name: "One", scanned: 1_000, duration: 0 }])]),
    null,
  );
  assertEquals(estimate([], { names: [] }), 0);
});

Deno.test("room is estimated by what there is, scaled by the events since, and bounded by the log", () => {
  const empty = 131_072;
  const info = (bytes: number, checkpoint: number) =>
    ({ bytes, checkpoint }) as ProjectionInfo;
  const room = (
    builds: readonly ProjectionInfo[],
    { infos = builds, head = 1_000, logBytes }: {
      infos?: readonly ProjectionInfo[];
      head?: number;
      logBytes?: number;
    } = {},
  ) =>
    bytesOf({
      infos,
      head,
      disk: { freeBytes: () => undefined, logBytes: () => logBytes },
    }, builds);
  const large = info(empty + 1_000_000, 1_000);
  assertEquals(room([large]), empty + 1_000_000);
  assertEquals(room([large], { head: 3_000 }), empty + 3_000_000);
  assertEquals(room([large, large]), 2 * (empty + 1_000_000));
  // Built over an empty log, it says nothing about a long one.
  const hollow = info(empty, 0);
  assertEquals(room([hollow], { head: 1e9, logBytes: 5_000 }), empty + 5_000);
  assertEquals(
    room([hollow], { infos: [hollow, large], logBytes: 9_000_000 }),
    empty + 1_000_000,
  );
  // Nor do two events.
  const small = info(empty + 1_000, 2);
  assertEquals(
    room([small], { head: 1e9, logBytes: 5_000 }),
    empty + 1_000 + 10_000,
  );
});

/** The machine's, but for what it says is free. */
function diskWith(room: { free: number | undefined }): FileSystem {
  return { ...denoFileSystem, freeBytes: () => room.free };
}

Deno.test("estimate() tells events and room, for what is built and what is not", async () => {
  using dir = new TempDir();
  const room = { free: 1_234_567 };
  await using opossum = openOverMemory(
    dir.path,
    NAMES.map((name) => countingProjection(name)),
    {},
    undefined,
    diskWith(room),
  );
  const { rebuilder, events, projections } = opossum;
  await events.append(counts(10));
  const before = await rebuilder.estimate(undefined);
  // Nothing is built, and the log is not on files.
  const empty = 131_072;
  assertEquals([before.events, before.estimatedBytes], [30, 3 * empty]);
  assertEquals([before.estimatedDuration, before.freeBytes], [null, 1_234_567]);
  assertEquals((await rebuilder.listOperations()).length, 0);

  await rebuilder.rebuild(["One"]);
  await events.append(counts(10));
  const { bytes } = await projections.info("One");
  const one = await rebuilder.estimate(["One"]);
  assertEquals([one.events, one.estimatedBytes], [20, bytes]);
  assert((one.estimatedDuration ?? -1) >= 0);
  const all = await rebuilder.estimate(undefined, { forceRebuild: true });
  assertEquals([all.events, all.estimatedBytes], [60, bytes + 2 * empty]);
  assertEquals(
    all.projections,
    await rebuilder.plan(undefined, { forceRebuild: true }),
  );
  for (const concurrency of [0, 5]) {
    await assertRejects(
      () => rebuilder.estimate(undefined, { concurrency }),
      RangeError,
      "'concurrency'",
    );
  }
});

Deno.test("a rebuild that is estimated not to fit is refused before any work, unless told otherwise", async () => {
  using dir = new TempDir();
  const room: { free: number | undefined } = { free: undefined };
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    undefined,
    diskWith(room),
  );
  const { rebuilder, events, projections, daemon } = opossum;
  await events.append(counts(10));
  // Where nothing is told, nothing is refused.
  await rebuilder.rebuildAll();
  const { bytes } = await projections.info("One");
  room.free = bytes - 1;
  const error = await assertRejects(
    () => rebuilder.rebuild("One"),
    InsufficientDiskSpaceError,
    "set 'ignoreDiskSpace'",
  );
  assertEquals([error.estimatedBytes, error.freeBytes], [bytes, bytes - 1]);
  assertEquals((await rebuilder.listOperations()).length, 1);
  assertEquals((await projections.info("One")).generation, 1);
  const forced = await rebuilder.rebuild("One", { ignoreDiskSpace: true });
  assert(forced.success);
  room.free = bytes;
  assert((await rebuilder.rebuild("One")).success);
  // Nobody is there to be asked.
  room.free = 0;
  await Deno.remove(dir.file("projections/One"), { recursive: true });
  await daemon.start();
  await daemon.whenStarted();
  assertEquals((await projections.info("One")).state, "ready");
});

Deno.test("the file system of the machine tells what is free, also where no folder is yet", () => {
  using dir = new TempDir();
  const free = denoFileSystem.freeBytes?.(dir.file("not/there/yet"));
  assert(Number.isSafeInteger(free) && (free ?? 0) > 0);
});
