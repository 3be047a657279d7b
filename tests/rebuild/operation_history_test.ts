import { assert, assertEquals, assertRejects } from "@std/assert";
import { RebuildConflictError, silentLogger } from "../../mod.ts";
import { OperationStore } from "../../src/rebuild/operation_store.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  openOverMemory,
} from "../support/course_fixture.ts";
import { holdSync, withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("the outcome of an operation is never overwritten by its beginning", async () => {
  using dir = new TempDir();
  const gate = Promise.withResolvers<void>();
  let syncs = 0;
  const slowFirst = withSync("/operations/", async (next) => {
    if (++syncs === 1) await gate.promise;
    await next();
  });
  await using opossum = openOverMemory(
    dir.path,
    [],
    {},
    new MemoryEventStore(),
    slowFirst,
  );
  const starting = opossum.rebuilder.start(undefined);
  // Whatever could overtake the first write has done so by the time a file was written.
  for (let turn = 0; turn < 20; turn++) {
    await Deno.writeTextFile(dir.file("turn"), "");
  }
  gate.resolve();
  const { id } = await starting;
  const result = await opossum.rebuilder.wait(id);
  assert(result?.nothingToDo);
  assertEquals((await opossum.rebuilder.getOperation(id))?.state, "succeeded");
});

Deno.test("an operation that cannot be written down starts nothing and holds nothing", async () => {
  using dir = new TempDir();
  let isFull = true;
  const full = withSync(
    "/operations/",
    (next) =>
      isFull ? Promise.reject(new Error("No space left on device")) : next(),
  );
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    new MemoryEventStore(),
    full,
  );
  await assertRejects(
    () => opossum.rebuilder.rebuild("One"),
    Error,
    "No space left",
  );
  assert(!(await opossum.rebuilder.getRebuildStatus()).isRebuilding);
  isFull = false;
  assertEquals((await opossum.rebuilder.rebuild("One")).totalRebuilt, 1);
});

Deno.test("rebuild() does not join a build that has read its last event", async () => {
  using dir = new TempDir();
  const swapping = holdSync("current.json");
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    {},
    new MemoryEventStore(),
    swapping.fileSystem,
  );
  const first = opossum.rebuilder.rebuild("One");
  await swapping.reached;
  await opossum.events.append([{ type: "Counted", data: { key: "a", by: 1 } }]);
  const second = opossum.rebuilder.rebuild("One");
  swapping.release();
  assertEquals((await first).details[0]?.checkpoint, 0);
  assertEquals((await second).details[0]?.checkpoint, 1);
});

Deno.test("a refused rebuild lets go of what it had taken already", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [
    countingProjection("One"),
    countingProjection("Two"),
  ]);
  Deno.mkdirSync(dir.file("projections/Two"), { recursive: true });
  using elsewhere = Deno.openSync(dir.file("projections/Two/build.lock"), {
    create: true,
    append: true,
  });
  const exclusive = true;
  elsewhere.lockSync(exclusive);
  const error = await assertRejects(
    () => opossum.rebuilder.rebuild(["One", "Two"], { whenRunning: "reject" }),
    RebuildConflictError,
    "by another process",
  );
  assertEquals(error.operationId, null);
  assertEquals((await opossum.rebuilder.rebuild("One")).totalRebuilt, 1);
  const joined = await opossum.rebuilder.rebuild(["One", "Two"]);
  assertEquals([joined.totalRebuilt, joined.failedProjections], [1, ["Two"]]);
});

Deno.test("a rebuild that another store is at already is refused, naming its operation", async () => {
  using dir = new TempDir();
  const swapping = holdSync("One/current.json");
  const log = new MemoryEventStore();
  const definitions = [countingProjection("One")];
  await using a = openOverMemory(
    dir.path,
    definitions,
    {},
    log,
    swapping.fileSystem,
  );
  await using b = openOverMemory(dir.path, definitions, {}, log);
  const { id } = await a.rebuilder.start(["One"]);
  await swapping.reached;
  assertEquals((await b.rebuilder.plan(["One"]))[0]?.reason, "absent");
  const error = await assertRejects(
    () => b.rebuilder.rebuild("One", { whenRunning: "reject" }),
    RebuildConflictError,
    `by operation ${id}`,
  );
  assertEquals(error.operationId, id);
  assertEquals((await b.rebuilder.getOperation(id))?.state, "queued");
  const { details: [detail] } = await b.rebuilder.rebuild("One");
  assertEquals(detail?.errorMessage, error.message);
  swapping.release();
  assert((await a.rebuilder.wait(id))?.success);
  assert((await b.rebuilder.rebuild("One")).success);
});

Deno.test("a rebuild asked for while the store closes waits for the next start", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append([{ type: "Counted", data: { key: "a", by: 1 } }]);
  const definitions = [countingProjection("One")];
  const writing = holdSync("/operations/");
  const first = openOverMemory(
    dir.path,
    definitions,
    {},
    log,
    writing.fileSystem,
  );
  const asked = first.rebuilder.rebuild("One");
  await writing.reached;
  const closing = first[Symbol.asyncDispose]();
  writing.release();
  assertEquals((await asked).state, "interrupted");
  await closing;
  await using second = openOverMemory(dir.path, definitions, {}, log);
  const [resumed] = await second.rebuilder.resumeInterrupted();
  assertEquals((await resumed)?.totalRebuilt, 1);
});

Deno.test("opening a store leaves alone what another process is writing", () => {
  using dir = new TempDir();
  Deno.mkdirSync(dir.file("operations"));
  const fresh = dir.file("operations/a.json.1.tmp");
  const old = dir.file("operations/b.json.2.tmp");
  for (const path of [fresh, old]) Deno.writeTextFileSync(path, "{}");
  Deno.utimeSync(old, new Date(0), new Date(0));
  new OperationStore(denoFileSystem, dir.file("operations"), silentLogger);
  assertEquals(
    [...Deno.readDirSync(dir.file("operations"))].map(({ name }) => name),
    [
      "a.json.1.tmp",
    ],
  );
});

Deno.test("start() answers with an operation that has ended when there is nothing to do", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, []);
  const { state, result } = await opossum.rebuilder.start(undefined);
  assertEquals(state, "succeeded");
  assert(result?.nothingToDo);
  const [name] = dir.list("operations");
  const written = Deno.readTextFileSync(dir.file(`operations/${name}`));
  assertEquals(JSON.parse(written).state, "succeeded");
});
