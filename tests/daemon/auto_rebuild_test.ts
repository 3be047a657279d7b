/**
 * What `enableAutoRebuild` promises of each of its values, where it is not the plain start.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { OpossumOptions } from "../../mod.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const VALUES = [true, "missing", false, "force"] as const;

const newest = async (
  { rebuilder }: Pick<ReturnType<typeof openOverMemory>, "rebuilder">,
) => (await rebuilder.listOperations({ limit: 1 }))[0];

for (const enableAutoRebuild of VALUES) {
  Deno.test(`damage that is found later is mended at once, or not: enableAutoRebuild ${enableAutoRebuild}`, async () => {
    using dir = new TempDir();
    await using opossum = openOverMemory(
      dir.path,
      [countingProjection("One")],
      { enableAutoRebuild },
    );
    const { daemon, events, projections, rebuilder, scrubber } = opossum;
    await events.append(counts(3));
    await rebuilder.rebuild("One");
    await daemon.start();
    await daemon.whenStarted();
    const { id } = await newest(opossum) ?? {};
    const { generation } = await projections.info("One");
    const file = `projections/One/${
      String(generation).padStart(6, "0")
    }.sqlite`;
    damageDocuments(dir.file(file), [{ kind: "change", at: 0 }]);
    const { projections: [found] } = await scrubber.scrub();
    assertEquals(found?.state, "damaged");
    if (enableAutoRebuild === false) {
      await daemon.stop();
      await daemon.whenEnded();
      assertEquals((await projections.info("One")).state, "damaged");
      assertEquals((await newest(opossum))?.id, id);
      return;
    }
    let operation = await newest(opossum);
    for (; operation?.id === id; operation = await newest(opossum)) {
      await setImmediate();
    }
    assertEquals(operation?.trigger, "damage");
    assert((await rebuilder.wait(operation?.id ?? ""))?.success);
    assertEquals((await projections.info("One")).state, "ready");
  });

  Deno.test(`what a window has begun of what is stale waits for the next one, or not: enableAutoRebuild ${enableAutoRebuild}`, async () => {
    using dir = new TempDir();
    const log = new MemoryEventStore();
    await log.append(counts(1_000));
    const open = (
      version: number,
      time: string,
      options: Partial<OpossumOptions> = {},
    ) => {
      const clock = new FakeClock(`2026-01-01T${time}Z`);
      const opossum = openOverMemory(
        dir.path,
        [countingProjection("One", { version })],
        {
          clock,
          rebuildGoodNeighbour: false,
          batchSize: 100,
          pollingInterval: 3_600_000,
          ...options,
        },
        log,
      );
      return { ...opossum, clock };
    };
    {
      await using first = open(1, "01:00:00");
      await first.rebuilder.rebuildAll();
    }
    const rebuildSchedule = {
      cron: "0 3 * * *",
      duration: 60_000,
      eventsPerSecondMax: 100,
    };
    {
      await using opossum = open(2, "03:00:00", {
        enableAutoRebuild: false,
        rebuildSchedule,
      });
      await opossum.daemon.start();
      // The loop, the end of the window, and the build: closed in the middle of it.
      await opossum.clock.whenSleeping(3);
      assertEquals((await newest(opossum))?.trigger, "schedule");
    }
    await using opossum = open(2, "03:30:00", {
      enableAutoRebuild,
      rebuildSchedule,
    });
    const [plan] = await opossum.rebuilder.plan(undefined);
    assertEquals(plan?.reason, "interrupted");
    await opossum.daemon.start();
    await opossum.daemon.whenStarted();
    const { state, builtVersion } = await opossum.projections.info("One");
    const isRebuilt = enableAutoRebuild === true ||
      enableAutoRebuild === "force";
    assertEquals(
      [state, builtVersion],
      isRebuilt ? ["ready", 2] : ["stale", 1],
    );
  });
}

Deno.test("a damaged projection does not wait until another one is rebuilt", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(3));
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  const readBatches = log.readBatches.bind(log);
  log.readBatches = async function* (query, range) {
    if (isHeld) {
      isHeld = false;
      reached.resolve();
      await gate.promise;
    }
    yield* readBatches(query, range);
  };
  await using opossum = openOverMemory(dir.path, definitions, {}, log);
  const { daemon, projections, scrubber } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  const damage = async (name: string) => {
    damageDocuments(dir.file(`projections/${name}/000001.sqlite`), [
      { kind: "change", at: 0 },
    ]);
    await scrubber.scrub();
  };
  const whenReady = async (name: string) => {
    while ((await projections.info(name)).state !== "ready") {
      await setImmediate();
    }
  };
  // The first one is just being built.
  isHeld = true;
  await damage("One");
  await reached.promise;
  await damage("Two");
  await whenReady("Two");
  assertEquals((await projections.info("One")).state, "damaged");
  gate.resolve();
  await whenReady("One");
});
