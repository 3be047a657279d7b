import { assert, assertEquals } from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

/** A projection that fails on an event of this number, when it is told to. */
function breakable() {
  const fragile = { failsOn: 0 };
  const definition = countingProjection("One", {
    fingerprint: "fixed",
    apply: (state, { position, data }) => {
      if (position === fragile.failsOn) throw new Error("Broken");
      return { sum: (state?.sum ?? 0) + data.by };
    },
  });
  return { fragile, definition };
}

Deno.test("info() tells of the build under way: building at first, then what it was", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  const { rebuilder, projections } = opossum;
  await opossum.events.append(counts(10));
  const before = await projections.info("One");
  assertEquals(
    [before.state, before.build, before.lastBuild, before.lastError],
    ["absent", null, null, null],
  );
  for (const state of ["building", "ready"]) {
    const { id } = await rebuilder.start(["One"]);
    await rebuilder.pause(id);
    const info = await projections.info("One");
    assertEquals([info.state, info.build?.paused], [state, true]);
    assertEquals(info.build?.target, 10);
    // It is still what it was to whoever plans.
    const [planned] = await rebuilder.plan(undefined);
    assertEquals(planned?.rebuild, state === "building");
    await rebuilder.resume(id);
    await rebuilder.wait(id);
    const after = await projections.info("One");
    assertEquals([after.state, after.build], ["ready", null]);
    assertEquals(after.lastBuild?.operationId, id);
    assertEquals(after.lastBuild?.state, "succeeded");
    assertEquals(after.lastBuild?.eventsProcessed, 10);
    assertEquals(after.lastError, null);
  }
});

Deno.test("info() tells the last build and error, of live updates too, and after a restart", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const { fragile, definition } = breakable();
  {
    await using opossum = openOverMemory(dir.path, [definition], {}, log);
    const { rebuilder, projections } = opossum;
    await rebuilder.rebuild("One");
    fragile.failsOn = 7;
    const { operationId } = await rebuilder.rebuild("One");
    const { state, lastBuild, lastError } = await projections.info("One");
    assertEquals([state, lastBuild?.state], ["ready", "failed"]);
    assertEquals(lastBuild?.operationId, operationId);
    assertEquals([lastError?.position, lastError?.eventType], [7, "Counted"]);
    assert(lastError?.message.includes("Broken"));
    assertEquals(lastError?.at, lastBuild?.completedAt);
  }
  {
    // Another process rebuilds it, which the first one learns of.
    await using opossum = openOverMemory(dir.path, [definition], {}, log);
    const { projections } = opossum;
    assertEquals((await projections.info("One")).lastBuild?.state, "failed");
    fragile.failsOn = 0;
    await using other = openOverMemory(dir.path, [definition], {}, log);
    const { operationId } = await other.rebuilder.rebuild("One");
    const { lastBuild, lastError } = await projections.info("One");
    assertEquals(lastBuild?.operationId, operationId);
    assertEquals([lastBuild?.state, lastError?.position], ["succeeded", 7]);
  }
  await using opossum = openOverMemory(dir.path, [definition], {
    enableAutoRebuild: false,
  }, log);
  await opossum.daemon.start();
  fragile.failsOn = 11;
  await log.append(counts(1));
  const { projections } = opossum;
  while ((await projections.info("One")).state !== "faulted") {
    await log.head();
  }
  const { fault, lastError } = await projections.info("One");
  assertEquals([lastError?.position, lastError?.at], [11, fault?.at]);
});

Deno.test("info() tells how a projection stands also when the history cannot be read", async () => {
  using dir = new TempDir();
  let isBroken = false;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    list(path) {
      if (isBroken && path.endsWith("operations")) throw new Error("EIO");
      return denoFileSystem.list(path);
    },
  };
  const messages: string[] = [];
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    { logger: { log: (_level, message) => void messages.push(message) } },
    undefined,
    fileSystem,
  );
  const { id } = await opossum.rebuilder.start(["One"]);
  await opossum.rebuilder.wait(id);
  isBroken = true;
  for (let times = 0; times < 2; times++) {
    const { state, lastBuild } = await opossum.projections.info("One");
    assertEquals([state, lastBuild?.operationId], ["ready", id]);
  }
  const words = "The history of operations could not be read";
  assertEquals(messages.filter((message) => message === words).length, 1);
});
