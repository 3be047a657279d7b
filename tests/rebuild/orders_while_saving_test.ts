/**
 * Orders to an operation that is just being written down, or whose builds are just ending.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RebuildNotStartedError } from "../../mod.ts";
import { FaultyFileSystem, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { holdSync, withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";

const definitions = () =>
  ["One", "Two"].map((name) => countingProjection(name));

/** A log of ten events, at whose end builds wait while it is held. */
async function heldLog() {
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const head = log.head.bind(log);
  return {
    log,
    /** Whoever asks for the head from now on waits; tells when somebody does. */
    hold() {
      const reached = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      log.head = async () => {
        reached.resolve();
        await gate.promise;
        return await head();
      };
      return {
        reached: reached.promise,
        /** Lets go whoever comes later, and not who waits. */
        pass: () => void (log.head = head),
        release() {
          log.head = head;
          gate.resolve();
        },
      };
    },
  };
}

/** A disk on which operations are written down, but while that is held. */
function heldSaving() {
  let gate: PromiseWithResolvers<void> | undefined;
  const reached = Promise.withResolvers<void>();
  return {
    disk: withSync("/operations/", async (next) => {
      if (gate) {
        reached.resolve();
        await gate.promise;
      }
      await next();
    }),
    /** Resolves when something waits to be written down. */
    reached: reached.promise,
    hold: () => void (gate = Promise.withResolvers()),
    release() {
      gate?.resolve();
      gate = undefined;
    },
  };
}

Deno.test("a store closes though a paused operation is just being taken up", async () => {
  using dir = new TempDir();
  const { log } = await heldLog();
  let id = "";
  {
    await using first = openOverMemory(dir.path, definitions(), {}, log);
    ({ id } = await first.rebuilder.start(["One"]));
    await first.rebuilder.pause(id);
  }
  {
    const disk = holdSync("/operations/");
    const second = openOverMemory(
      dir.path,
      definitions(),
      {},
      log,
      disk.fileSystem,
    );
    const taken = second.rebuilder.resumeInterrupted();
    await disk.reached;
    const closed = second[Symbol.asyncDispose]();
    disk.release();
    await closed;
    assertEquals(await taken, []);
  }
  await using third = openOverMemory(dir.path, definitions(), {}, log);
  await third.rebuilder.resumeInterrupted();
  assertEquals((await third.rebuilder.getOperation(id))?.state, "paused");
});

Deno.test("cancel() of an operation that is just being written down waits for no place", async () => {
  using dir = new TempDir();
  const { log, hold } = await heldLog();
  const saving = heldSaving();
  const options = { maxConcurrentRebuilds: 1 };
  await using opossum = openOverMemory(
    dir.path,
    definitions(),
    options,
    log,
    saving.disk,
  );
  const { rebuilder } = opossum;
  await rebuilder.start(["One"]);
  const held = hold();
  await held.reached;
  held.pass();
  saving.hold();
  const starting = rebuilder.start(["Two"]);
  await saving.reached;
  const [busy = "", fresh = ""] =
    (await rebuilder.getRebuildStatus()).operationIds;
  const cancelled = rebuilder.cancel(fresh);
  saving.release();
  assert(await cancelled);
  const { id } = await starting;
  assertEquals(id, fresh);
  assertEquals((await rebuilder.getOperation(id))?.state, "cancelled");
  const { queuedProjections } = await rebuilder.getRebuildStatus();
  assertEquals(queuedProjections, []);
  held.release();
  assert((await rebuilder.wait(busy))?.success);
});

Deno.test("a rebuild that is asked for while another one of it is being cancelled is not cancelled with it", async () => {
  using dir = new TempDir();
  const { log, hold } = await heldLog();
  await using opossum = openOverMemory(dir.path, definitions(), {}, log);
  const { rebuilder, projections } = opossum;
  for (const whenRunning of ["join", "reject"] as const) {
    const first = await rebuilder.start(["One"]);
    const held = hold();
    await held.reached;
    held.pass();
    // It cannot end before the head is told.
    const cancelled = rebuilder.cancel(first.id);
    const second = rebuilder.start(["One"], { whenRunning });
    const third = rebuilder.start(undefined, { forceRebuild: true });
    held.release();
    assert(await cancelled);
    assertEquals(
      (await rebuilder.getOperation(first.id))?.state,
      "cancelled",
    );
    for (const { id } of await Promise.all([second, third])) {
      assertEquals((await rebuilder.wait(id))?.state, "succeeded");
    }
  }
  assertEquals((await projections.info("One")).checkpoint, 10);
});

Deno.test("a rebuild that is asked for while a window closes on another one of it is not interrupted with it", async () => {
  using dir = new TempDir();
  const { log, hold } = await heldLog();
  await using opossum = openOverMemory(dir.path, definitions(), {}, log);
  const { rebuilder } = opossum;
  const begun = await rebuilder.startDue({ trigger: "schedule" });
  const held = hold();
  await held.reached;
  held.pass();
  const closing = rebuilder.interrupt(begun?.operation.id ?? "");
  const asked = rebuilder.start(["One"]);
  // Which looks at no less, so that the other one has come to the build by then.
  for (let i = 0; i < 3; i++) await rebuilder.estimate(["One"]);
  held.release();
  assert(await closing);
  const { id } = await asked;
  assertEquals((await rebuilder.wait(id))?.state, "succeeded");
});

Deno.test("a paused operation that cannot be taken up holds up nobody whose build it wanted to share", async () => {
  using dir = new TempDir();
  const { log, hold } = await heldLog();
  let paused = "";
  {
    await using first = openOverMemory(dir.path, definitions(), {}, log);
    ({ id: paused } = await first.rebuilder.start(["One"]));
    await first.rebuilder.pause(paused);
  }
  const disk = new FaultyFileSystem();
  await using opossum = openOverMemory(dir.path, definitions(), {}, log, disk);
  const { rebuilder } = opossum;
  const looking = hold();
  const ordered = rebuilder.pause(paused);
  await looking.reached;
  looking.pass();
  const { id } = await rebuilder.start(["One"]);
  const building = hold();
  await building.reached;
  building.pass();
  disk.inject({ kind: "rename", path: "/operations/", code: "EIO" });
  looking.release();
  await assertRejects(() => ordered, RebuildNotStartedError);
  building.release();
  assert((await rebuilder.wait(id))?.success);
});

Deno.test("pause() and resume() say of what has ended that it has, also while its outcome is written down", async () => {
  using dir = new TempDir();
  const { log } = await heldLog();
  const saving = heldSaving();
  await using opossum = openOverMemory(
    dir.path,
    definitions(),
    {},
    log,
    saving.disk,
  );
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(["One"]);
  saving.hold();
  await saving.reached;
  const orders = [rebuilder.pause(id), rebuilder.resume(id)];
  saving.release();
  assertEquals(await Promise.all(orders), [false, false]);
  const operation = await rebuilder.getOperation(id);
  assertEquals([operation?.state, operation?.pausedAt], ["succeeded", null]);
});

Deno.test("start() with the key of one that goes on answers how that stands now", async () => {
  using dir = new TempDir();
  const { log } = await heldLog();
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const readBatches = log.readBatches.bind(log);
  log.readBatches = async function* (query, range) {
    reached.resolve();
    await gate.promise;
    yield* readBatches(query, range);
  };
  await using opossum = openOverMemory(dir.path, definitions(), {}, log);
  const { rebuilder } = opossum;
  const asked = { idempotencyKey: "once" };
  const first = await rebuilder.start(["One"], asked);
  await reached.promise;
  const again = await rebuilder.start(["One"], asked);
  assertEquals([again.id, again.state], [first.id, "running"]);
  assertEquals(again.progress[0]?.phase, "scanning");
  gate.resolve();
  assert((await rebuilder.wait(first.id))?.success);
  const ended = await rebuilder.start(["One"], asked);
  assertEquals([ended.id, ended.state], [first.id, "succeeded"]);
});
