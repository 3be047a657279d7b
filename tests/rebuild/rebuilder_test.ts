import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ProjectionNotBuiltError,
  RebuildConflictError,
  UnknownProjectionError,
} from "../../mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const EXPECTED = { a: 1 + 4 + 7 + 10, b: 2 + 5 + 8, c: 3 + 6 + 9 };
const NAMES = ["Four", "One", "Three", "Two"];

function four() {
  return NAMES.map((name) => countingProjection(name));
}

async function sums(
  opossum: ReturnType<typeof openOverMemory>,
  name: string,
): Promise<Record<string, number>> {
  const { documents } = await opossum.projections.list<{ sum: number }>(name);
  return Object.fromEntries(
    documents.map(({ key, state }) => [key, state.sum]),
  );
}

/** Holds a projection's build at its first event until it is told to go on. */
function gated(name: string, onApply: () => void) {
  return countingProjection(name, {
    apply: (state, event) => {
      onApply();
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
}

Deno.test("rebuildAll() builds every missing projection and reports each", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(10));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.totalRebuilt, 4);
  assert(result.success && !result.nothingToDo);
  assertEquals(result.failedProjections, []);
  assertEquals(result.details.map((detail) => detail.projectionName), NAMES);
  for (const detail of result.details) {
    assertEquals(
      [detail.eventsProcessed, detail.documents, detail.checkpoint],
      [10, 3, 10],
    );
    assertEquals(detail.reason, "absent");
  }
  assertEquals(await sums(opossum, "Two"), EXPECTED);
});

Deno.test("rebuildAll() has nothing to do when all is up to date", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(3));
  await opossum.rebuilder.rebuildAll();
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals([result.totalRebuilt, result.nothingToDo, result.success], [
    0,
    true,
    true,
  ]);
});

Deno.test("rebuildAll() with forceRebuild rebuilds what is up to date", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(3));
  await opossum.rebuilder.rebuildAll();
  const result = await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  assertEquals(result.totalRebuilt, 4);
  const info = await opossum.projections.info("One");
  assertEquals([info.generation, info.previousGeneration], [2, 1]);
});

Deno.test("rebuild() builds the named projections and no others", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(3));
  const result = await opossum.rebuilder.rebuild(["One", "Two", "One"]);
  assertEquals(result.details.map((detail) => detail.projectionName), [
    "One",
    "Two",
  ]);
  await assertRejects(
    () => opossum.projections.list("Four"),
    ProjectionNotBuiltError,
  );
});

Deno.test("rebuild() refuses unknown names before any work", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  const error = await assertRejects(
    () => opossum.rebuilder.rebuild(["One", "Nope"]),
    UnknownProjectionError,
  );
  assertEquals(error.projectionNames, ["Nope"]);
  assertEquals((await opossum.rebuilder.listOperations()).length, 0);
});

Deno.test("rebuild() refuses options out of range", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  for (const concurrency of [0, -1, 1.5, NaN, 5]) {
    await assertRejects(
      () => opossum.rebuilder.rebuild("One", { concurrency }),
      RangeError,
      "'concurrency' must be an integer from 1 to 4",
    );
  }
});

Deno.test("rebuildAll() goes on with the others when one projection fails", async () => {
  using dir = new TempDir();
  const broken = countingProjection("Broken", {
    apply: (_state, event) => {
      if (event.position === 7) throw new Error("cannot count to seven");
      return { sum: 0 };
    },
  });
  await using opossum = openOverMemory(dir.path, [...four(), broken]);
  await opossum.events.append(counts(10));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals([result.success, result.totalRebuilt], [false, 4]);
  assertEquals(result.failedProjections, ["Broken"]);
  const [detail] = result.details.filter(({ success }) => !success);
  assertEquals(detail?.error?.position, 7);
  assertStringIncludes(detail?.errorMessage ?? "", "cannot count to seven");
  assertEquals(await sums(opossum, "One"), EXPECTED);
  await assertRejects(
    () => opossum.projections.list("Broken"),
    ProjectionNotBuiltError,
  );
});

Deno.test("a failed rebuild leaves the old generation serving", async () => {
  using dir = new TempDir();
  let isBroken = false;
  const fragile = gated("Fragile", () => {
    if (isBroken) throw new Error("broken");
  });
  await using opossum = openOverMemory(dir.path, [fragile]);
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  isBroken = true;
  const result = await opossum.rebuilder.rebuild("Fragile");
  assert(!result.success);
  assertEquals(await sums(opossum, "Fragile"), EXPECTED);
});

Deno.test("at most maxConcurrentRebuilds projections are built at once", async () => {
  using dir = new TempDir();
  const most: number[] = [];
  // deno-lint-ignore prefer-const -- the projections look at it once it is there
  let opossum: ReturnType<typeof openOverMemory>;
  const definitions = Array.from(
    { length: 8 },
    (_, index) =>
      gated(`P${index}`, () => {
        void opossum.rebuilder.getRebuildStatus().then((status) => {
          most.push(status.inProgressProjections.length);
        });
      }),
  );
  opossum = openOverMemory(dir.path, definitions, { maxConcurrentRebuilds: 2 });
  await using _closing = opossum;
  await opossum.events.append(counts(5));
  const [first, second] = await Promise.all([
    opossum.rebuilder.rebuild(["P0", "P1", "P2", "P3"]),
    opossum.rebuilder.rebuild(["P4", "P5", "P6", "P7"]),
  ]);
  assertEquals([first.totalRebuilt, second.totalRebuilt], [4, 4]);
  assertEquals(Math.max(...most), 2);
});

Deno.test("an operation's concurrency lowers the bound", async () => {
  using dir = new TempDir();
  const most: number[] = [];
  // deno-lint-ignore prefer-const -- the projections look at it once it is there
  let opossum: ReturnType<typeof openOverMemory>;
  const definitions = NAMES.map((name) =>
    gated(name, () => {
      void opossum.rebuilder.getRebuildStatus().then((status) => {
        most.push(status.inProgressProjections.length);
      });
    })
  );
  opossum = openOverMemory(dir.path, definitions);
  await using _closing = opossum;
  await opossum.events.append(counts(5));
  await opossum.rebuilder.rebuildAll({ concurrency: 1 });
  assertEquals(Math.max(...most), 1);
});

Deno.test("getRebuildStatus() during a rebuild names what runs and what waits", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four(), {
    maxConcurrentRebuilds: 1,
  });
  await opossum.events.append(counts(10));
  const operation = await opossum.rebuilder.start(undefined, {});
  const status = await opossum.rebuilder.getRebuildStatus();
  assert(status.isRebuilding);
  assertEquals(status.inProgressProjections, ["Four"]);
  assertEquals(status.queuedProjections, ["One", "Three", "Two"]);
  assertEquals(status.startedAt, operation.startedAt);
  await opossum.rebuilder.wait(operation.id);
  const after = await opossum.rebuilder.getRebuildStatus();
  assertEquals([after.isRebuilding, after.startedAt], [false, null]);
  assertEquals(after.lastResult?.operationId, operation.id);
});

Deno.test("a projection that is being rebuilt is joined, or refused when asked so", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(10));
  const first = await opossum.rebuilder.start(["One"]);
  const error = await assertRejects(
    () => opossum.rebuilder.rebuild("One", { whenRunning: "reject" }),
    RebuildConflictError,
  );
  assertEquals(error.operationId, first.id);
  const joined = await opossum.rebuilder.rebuild("One");
  assertEquals(joined.totalRebuilt, 1);
  assertEquals((await opossum.projections.info("One")).generation, 1);
});

Deno.test("cancelling returns the partial result and keeps the old generations", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four(), {
    maxConcurrentRebuilds: 1,
  });
  await opossum.events.append(counts(10));
  const cancelled = await opossum.rebuilder.rebuildAll({
    signal: AbortSignal.abort(),
  });
  assertEquals([cancelled.state, cancelled.success], ["cancelled", false]);
  assertEquals(cancelled.details.length, 4);
  const again = await opossum.rebuilder.rebuildAll();
  assertEquals(again.totalRebuilt, 4);
});

Deno.test("a changed version is rebuilt, and says why", async () => {
  using dir = new TempDir();
  const before = openOverMemory(dir.path, [countingProjection("One")]);
  await before.events.append(counts(4));
  await before.rebuilder.rebuildAll();
  await before[Symbol.asyncDispose]();
  const changed = countingProjection("One", { version: 2 });
  await using opossum = openOverMemory(dir.path, [changed], {}, before.events);
  assertEquals((await opossum.projections.info("One")).state, "stale");
  const [plan] = await opossum.rebuilder.plan(undefined);
  assertEquals(plan?.reason, "versionChanged");
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.totalRebuilt, 1);
  assertEquals((await opossum.projections.info("One")).state, "ready");
});

Deno.test("lost projection files are noticed and rebuilt", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  for (const suffix of ["", "-wal", "-shm"]) {
    await Deno.remove(`${dir.path}/projections/One/000001.sqlite${suffix}`)
      .catch(() => {});
  }
  await using reopened = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    opossum.events,
  );
  assertEquals((await reopened.projections.info("One")).state, "damaged");
  const result = await reopened.rebuilder.rebuildAll();
  assertEquals(result.details[0]?.reason, "damaged");
  assertEquals(await sums(reopened, "One"), EXPECTED);
});

Deno.test("a projection of an empty log is ready, not absent", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.totalRebuilt, 1);
  assertEquals(await opossum.projections.list("One"), {
    documents: [],
    next: null,
    checkpoint: 0,
  });
  assert((await opossum.rebuilder.rebuildAll()).nothingToDo);
});

Deno.test("a shutdown interrupts a rebuild, and the next start resumes it", async () => {
  using dir = new TempDir();
  let stop: (() => void) | undefined;
  const seen: number[] = [];
  const definition = countingProjection("One", {
    fingerprint: "fixed",
    apply: (state, event) => {
      seen.push(event.position);
      if (event.position === 5) stop?.();
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
  const options = { batchSize: 1 };
  const first = openOverMemory(dir.path, [definition], options);
  await first.events.append(counts(10));
  let closing: Promise<void> | undefined;
  stop = () => closing ??= Promise.resolve(first[Symbol.asyncDispose]());
  const result = await first.rebuilder.rebuildAll();
  await closing;
  stop = undefined;
  assertEquals(result.state, "interrupted");
  await using second = openOverMemory(
    dir.path,
    [definition],
    options,
    first.events,
  );
  const [resumed] = await second.rebuilder.resumeInterrupted();
  assertEquals((await resumed)?.state, "succeeded");
  assertEquals(await sums(second, "One"), EXPECTED);
  assertEquals(await second.rebuilder.resumeInterrupted(), []);
  const operations = await second.rebuilder.listOperations();
  assertEquals(operations.map(({ trigger }) => trigger), ["resume", "code"]);
});

Deno.test("start() answers at once, and its signal cancels the operation", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four(), {
    maxConcurrentRebuilds: 1,
  });
  await opossum.events.append(counts(10));
  const stop = new AbortController();
  const { id, result } = await opossum.rebuilder.start(undefined, {
    signal: stop.signal,
  });
  assertEquals(result, null);
  stop.abort();
  assertEquals((await opossum.rebuilder.wait(id))?.state, "cancelled");
});

Deno.test("projections whose folder was deleted under an open store are rebuilt", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, four());
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  Deno.removeSync(dir.file("projections"), { recursive: true });
  assertEquals((await opossum.projections.info("One")).state, "absent");
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(result.totalRebuilt, 4);
  assertEquals(await sums(opossum, "One"), EXPECTED);
});
