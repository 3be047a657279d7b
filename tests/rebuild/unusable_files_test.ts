/**
 * Projections whose files cannot be used: of another user, or no files at all. The others are
 * rebuilt all the same.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { ProjectionDamagedError } from "../../mod.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { MemoryLogger } from "../log/support.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";

const NAMES = ["One", "Two"];

const both = () => NAMES.map((name) => countingProjection(name));

Deno.test("a build that cannot even be begun leaves nothing behind", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.events.append(counts(10));
  const folder = dir.file("projections/One");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/skips.json`, "damaged");
  const { details: [detail] } = await opossum.rebuilder.rebuildAll();
  assertEquals(detail?.error?.name, "ProjectionDamagedError");
  const databases = [...Deno.readDirSync(folder)]
    .filter(({ name }) => name.includes(".sqlite"));
  assertEquals(databases, []);
});

Deno.test("a projection whose folder cannot be used keeps no other from being rebuilt", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, both());
  await opossum.events.append(counts(10));
  await Deno.mkdir(dir.file("projections"));
  await Deno.writeTextFile(dir.file("projections/One"), "no folder");
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  assertEquals((await opossum.projections.info("Two")).checkpoint, 10);
  const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(result.failedProjections, ["One"]);
  const [detail] = result.details;
  assertEquals(detail?.error?.name, "AlreadyExists");
  await assertRejects(
    () => opossum.projections.get("One", "a"),
    ProjectionDamagedError,
  );
});

Deno.test("a rebuild that cannot be begun is logged and counted as failed, one that others build is not", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const logger = new MemoryLogger();
  await using opossum = openOverMemory(dir.path, both(), { logger });
  await opossum.events.append(counts(10));
  await Deno.mkdir(dir.file("projections"));
  await Deno.writeTextFile(dir.file("projections/One"), "no folder");
  {
    await using other = openOverMemory(dir.path, both(), {}, opossum.events);
    const { id } = await other.rebuilder.start(["Two"]);
    await other.rebuilder.pause(id);
    const { details } = await opossum.rebuilder.rebuild(NAMES);
    assertEquals(details.map(({ error }) => error?.name), [
      "AlreadyExists",
      "RebuildConflictError",
    ]);
  }
  const failures = (await otel.collect()).get("opossum.rebuild.failures");
  assertEquals(
    failures?.dataPoints.map(({ attributes, value }) => [attributes, value]),
    [[{
      "opossum.projection.name": "One",
      "error.type": "AlreadyExists",
    }, 1]],
  );
  const [told, ...others] = logger.records.filter(({ message }) =>
    message.startsWith("Failed to rebuild projection")
  );
  assertEquals(others, []);
  assertEquals(told?.message, "Failed to rebuild projection 'One'");
});

Deno.test("an interrupted rebuild goes on although one of its projections cannot be used any more", async () => {
  using dir = new TempDir();
  const events = new MemoryEventStore();
  await events.append(counts(10));
  {
    const opossum = openOverMemory(dir.path, both(), {}, events);
    await opossum.rebuilder.start(undefined);
    await opossum[Symbol.asyncDispose]();
  }
  await Deno.remove(dir.file("projections/One"), { recursive: true });
  await Deno.writeTextFile(dir.file("projections/One"), "no folder");
  const options = { enableAutoRebuild: false } as const;
  await using opossum = openOverMemory(
    dir.path,
    both(),
    options,
    events,
  );
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  assertEquals((await opossum.projections.info("Two")).checkpoint, 10);
});

Deno.test("what is interrupted or paused is taken up although of one projection nothing can be read now", async () => {
  for (const isPaused of [false, true]) {
    using dir = new TempDir();
    const events = new MemoryEventStore();
    await events.append(counts(10));
    let id = "";
    {
      await using opossum = openOverMemory(dir.path, both(), {}, events);
      await opossum.rebuilder.rebuildAll();
      ({ id } = await opossum.rebuilder.start(NAMES));
      if (isPaused) await opossum.rebuilder.pause(id);
    }
    const disk = new FaultyFileSystem();
    disk.inject({
      kind: "open",
      path: "/One/current.json",
      times: Infinity,
      code: "EACCES",
    });
    await using opossum = openOverMemory(dir.path, both(), {}, events, disk);
    const { daemon, rebuilder, projections } = opossum;
    await daemon.start();
    await daemon.whenStarted();
    const operation = await rebuilder.getOperation(id);
    assertEquals(
      operation?.state,
      isPaused ? "paused" : "interrupted",
      `${isPaused}`,
    );
    const { generation } = await projections.info("Two");
    assertEquals(generation, isPaused ? 1 : 2);
  }
});

Deno.test("a generation serves on when a rebuild cannot read which one that is", async () => {
  for (const forceRebuild of [false, true]) {
    using dir = new TempDir();
    let isRefused = false;
    const fileSystem: FileSystem = {
      ...denoFileSystem,
      open(path, options) {
        if (isRefused && path.endsWith("current.json")) {
          throw Object.assign(new Error("Too many open files"), {
            code: "EMFILE",
          });
        }
        return denoFileSystem.open(path, options);
      },
    };
    const events = new MemoryEventStore();
    const definitions = NAMES.map((name) =>
      countingProjection(name, {
        apply(state, { data }) {
          if (isRefused) throw new Error("Broken");
          return { sum: (state?.sum ?? 0) + data.by };
        },
      })
    );
    const open = () =>
      openOverMemory(dir.path, definitions, {}, events, fileSystem);
    await events.append(counts(10));
    {
      await using opossum = open();
      await opossum.rebuilder.rebuildAll();
    }
    await using opossum = open();
    isRefused = true;
    const result = await opossum.rebuilder.rebuildAll({ forceRebuild });
    assertEquals(result.failedProjections, NAMES);
    isRefused = false;
    for (const name of NAMES) {
      const { state, generation } = await opossum.projections.info(name);
      assertEquals([state, generation], ["ready", 1]);
    }
  }
});
