import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  OperationNotRecordedError,
  type OpossumOptions,
  type ProjectionDefinition,
  UnknownOperationError,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";

const NAMES = ["One", "Two"];
const definitions = () => NAMES.map((name) => countingProjection(name));

interface Folder extends AsyncDisposable {
  readonly log: MemoryEventStore;
  /** Opens the folder as the next process does, and starts what that starts. */
  open(
    projections?: readonly ProjectionDefinition[],
    options?: Partial<OpossumOptions>,
  ): Promise<MemoryFixture>;
}

/** A folder that several processes open, one after the other. */
async function folder(dir: TempDir): Promise<Folder> {
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const opened: MemoryFixture[] = [];
  return {
    log,
    async open(projections = definitions(), options = {}) {
      await opened.at(-1)?.[Symbol.asyncDispose]();
      const opossum = openOverMemory(dir.path, projections, options, log);
      opened.push(opossum);
      await Promise.all(await opossum.rebuilder.resumeInterrupted());
      return opossum;
    },
    async [Symbol.asyncDispose]() {
      await opened.at(-1)?.[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a paused operation is paused under its id after each restart, and resumed there", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  const asked = await first.rebuilder.start(NAMES, {
    note: "After the fix",
    requestedBy: "alice",
    priority: 7,
    concurrency: 2,
  });
  assert(await first.rebuilder.pause(asked.id));
  for (let restarts = 0; restarts < 3; restarts++) {
    const { rebuilder } = await at.open();
    const found = await rebuilder.getOperation(asked.id);
    const { state, note, requestedBy, priority, concurrency, startedAt } =
      found ?? {};
    assertEquals(
      { state, note, requestedBy, priority, concurrency, startedAt },
      {
        state: "paused",
        note: "After the fix",
        requestedBy: "alice",
        priority: 7,
        concurrency: 2,
        startedAt: asked.startedAt,
      },
    );
    assertEquals((await rebuilder.listOperations()).length, 1);
  }
  const last = await at.open();
  assert(await last.rebuilder.resume(asked.id));
  const result = await last.rebuilder.wait(asked.id);
  assertEquals([result?.state, result?.totalRebuilt], ["succeeded", 2]);
  assertEquals((await last.projections.info("One")).checkpoint, 10);
  const { rebuilder } = await at.open();
  assertEquals((await rebuilder.getOperation(asked.id))?.state, "succeeded");
});

Deno.test("a resumed operation that is interrupted is not paused after the restart", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  const { id } = await first.rebuilder.start(NAMES);
  await first.rebuilder.pause(id);
  const second = await at.open();
  await second.rebuilder.resume(id);
  const third = await at.open();
  const operation = await third.rebuilder.getOperation(id);
  const resumed = operation?.resumedBy ?? id;
  assert((await third.rebuilder.wait(resumed))?.success);
  assertEquals((await third.projections.info("Two")).checkpoint, 10);
});

Deno.test("what was swapped in before the restart counts, and is not built again", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const reached = Promise.withResolvers<void>();
  let onApply = () => reached.resolve();
  const watched = countingProjection("Two", {
    fingerprint: "fixed",
    apply: (state, event) => {
      onApply();
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  const first = await at.open([countingProjection("One"), watched]);
  let paused: Promise<boolean> | undefined;
  onApply = () => {
    paused ??= first.rebuilder.pause(id);
    reached.resolve();
  };
  // One after the other: the first is in place when the second applies its first event.
  const { id } = await first.rebuilder.start(NAMES, { concurrency: 1 });
  await reached.promise;
  assert(await paused);
  onApply = () => {};
  const second = await at.open([countingProjection("One"), watched]);
  assertEquals((await second.rebuilder.getOperation(id))?.state, "paused");
  await second.rebuilder.resume(id);
  const result = await second.rebuilder.wait(id);
  assertEquals([result?.success, result?.totalRebuilt], [true, 2]);
  assertEquals(result?.details[0]?.documents, 3);
  assertEquals((await second.projections.info("One")).generation, 1);
  assertEquals((await second.projections.info("Two")).checkpoint, 10);
});

Deno.test("what shares a build with a paused operation waits with it, and no start waits for either", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  const paused = await first.rebuilder.start(["One"]);
  await first.rebuilder.pause(paused.id);
  const joined = await first.rebuilder.start(["One"]);
  const { rebuilder } = await at.open();
  const { resumedBy = "" } = await rebuilder.getOperation(joined.id) ?? {};
  const waiting = await rebuilder.getOperation(resumedBy);
  assertEquals([waiting?.state, waiting?.pausedAt], ["paused", null]);
  await rebuilder.resume(paused.id);
  assert((await rebuilder.wait(resumedBy))?.success);
  assert((await rebuilder.wait(paused.id))?.success);
});

Deno.test("a paused operation keeps its priority over the restart", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  const ids: string[] = [];
  // The newest is taken up first, and would go first if they were equal.
  for (const [name, priority] of [["One", 5], ["Two", -5]] as const) {
    const { id } = await first.rebuilder.start([name], { priority });
    await first.rebuilder.pause(id);
    ids.push(id);
  }
  let onApply = () => {};
  const holder = countingProjection("Three", {
    apply: (state, event) => {
      onApply();
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  const { rebuilder } = await at.open([...definitions(), holder], {
    maxConcurrentRebuilds: 1,
  });
  const ended: string[] = [];
  using _watching = rebuilder.watch(({ id, result }) => {
    if (result) ended.push(id);
  });
  // While this one holds the only place, the others are let go.
  onApply = () => {
    onApply = () => {};
    for (const id of ids) void rebuilder.resume(id);
  };
  const { operationId } = await rebuilder.rebuild("Three");
  await Promise.all(ids.map((id) => rebuilder.wait(id)));
  assertEquals(ended, [operationId, ...ids]);
});

Deno.test("cancel() ends a paused operation of an earlier process, and what it had built", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  await first.rebuilder.rebuildAll();
  const { id } = await first.rebuilder.start(NAMES);
  await first.rebuilder.pause(id);
  const second = await at.open();
  assert(await second.rebuilder.cancel(id));
  assertEquals((await second.rebuilder.getOperation(id))?.state, "cancelled");
  const third = await at.open();
  assert((await third.rebuilder.rebuildAll()).nothingToDo);
});

Deno.test("resume() and cancel() find a paused operation that nobody has taken up yet", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const ids: string[] = [];
  {
    const { rebuilder } = await at.open();
    for (const name of NAMES) {
      const { id } = await rebuilder.start([name]);
      await rebuilder.pause(id);
      ids.push(id);
    }
  }
  await at[Symbol.asyncDispose]();
  // As the command line does: nothing is started by opening.
  await using opossum = openOverMemory(dir.path, definitions(), {}, at.log);
  const { rebuilder } = opossum;
  const [one = "", two = ""] = ids;
  assertEquals((await rebuilder.getOperation(one))?.state, "paused");
  const orders = [rebuilder.resume(one), rebuilder.resume(one)];
  assertEquals(await Promise.all(orders), [true, true]);
  assert(await rebuilder.cancel(two));
  assert((await rebuilder.wait(one))?.success);
  assertEquals((await rebuilder.getOperation(two))?.state, "cancelled");
});

Deno.test("rebuilds at start-up leave alone what is paused, and are not held up by it", async () => {
  using dir = new TempDir();
  await using at = await folder(dir);
  const first = await at.open();
  const { id } = await first.rebuilder.start(["One"]);
  await first.rebuilder.pause(id);
  const { daemon, rebuilder, projections } = await at.open();
  await daemon.start();
  await daemon.whenStarted();
  assertEquals((await rebuilder.getOperation(id))?.state, "paused");
  assertEquals((await projections.info("Two")).state, "ready");
  assertEquals((await projections.info("One")).generation, null);
  await rebuilder.resume(id);
  assert((await rebuilder.wait(id))?.success);
});

Deno.test("pause() and resume() that cannot be written down change nothing", async () => {
  using dir = new TempDir();
  let isFull = false;
  const disk = withSync(
    "/operations/",
    (next) =>
      isFull ? Promise.reject(new Error("No space left on device")) : next(),
  );
  await using opossum = openOverMemory(
    dir.path,
    definitions(),
    {},
    undefined,
    disk,
  );
  const { rebuilder } = opossum;
  await opossum.events.append(counts(10));
  // A first one holds the build, so that the second can be paused and looked at.
  const holding = await rebuilder.start(["One"]);
  await rebuilder.pause(holding.id);
  isFull = true;
  const error = await assertRejects(
    () => rebuilder.resume(holding.id),
    OperationNotRecordedError,
    "Cannot resume operation",
  );
  assertEquals([error.operationId, error.action], [holding.id, "resume"]);
  assertEquals((await rebuilder.getOperation(holding.id))?.state, "paused");
  isFull = false;
  const other = await rebuilder.start(["Two"]);
  isFull = true;
  // Also whoever orders the same meanwhile must not be told that it is done.
  const orders = [rebuilder.pause(other.id), rebuilder.pause(other.id)];
  for (const order of await Promise.allSettled(orders)) {
    assert(order.status === "rejected");
    assert(order.reason instanceof OperationNotRecordedError);
  }
  isFull = false;
  assert((await rebuilder.wait(other.id))?.success);
  await rebuilder.resume(holding.id);
  assert((await rebuilder.wait(holding.id))?.success);
});

Deno.test("watch() is told when operations begin, are paused, go on and end", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, definitions());
  const { rebuilder } = opossum;
  await opossum.events.append(counts(10));
  const seen: string[] = [];
  using _broken = rebuilder.watch(() => {
    throw new Error("Broken");
  });
  const watching = rebuilder.watch(({ state }) => seen.push(state));
  const { id } = await rebuilder.start(["One"]);
  await rebuilder.pause(id);
  await rebuilder.resume(id);
  await rebuilder.wait(id);
  assertEquals(seen.length, 4);
  assertEquals([seen[1], seen[3]], ["paused", "succeeded"]);
  watching[Symbol.dispose]();
  await rebuilder.rebuild("Two");
  assertEquals(seen.length, 4);
});

Deno.test("listOperations() pages through the history, by state", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, definitions());
  const { rebuilder } = opossum;
  const ids: string[] = [];
  for (let count = 0; count < 7; count++) {
    const { id } = await rebuilder.start(["One"]);
    if (count % 3 === 0) await rebuilder.cancel(id);
    await rebuilder.wait(id);
    ids.unshift(id);
  }
  const all = await rebuilder.listOperations();
  assertEquals(new Set(all.map(({ id }) => id)), new Set(ids));
  for (const state of [undefined, "succeeded", "cancelled"] as const) {
    const expected = all.filter((each) => !state || each.state === state);
    const paged: string[] = [];
    let before: string | undefined;
    do {
      const page = await rebuilder.listOperations({
        limit: 2,
        ...(state ? { state } : {}),
        ...(before ? { before } : {}),
      });
      paged.push(...page.map(({ id }) => id));
      before = page.at(-1)?.id;
    } while (before);
    assertEquals(paged, expected.map(({ id }) => id));
  }
  await assertRejects(
    () => rebuilder.listOperations({ before: "0".repeat(32) }),
    UnknownOperationError,
  );
});
