import { assert, assertEquals } from "@std/assert";
import type { ProjectionDefinition } from "../../mod.ts";
import {
  type Counted,
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { withSync } from "../support/slow_sync.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

/** A projection whose events fail, or not. */
function fragile(
  name: string,
  { isBroken }: { readonly isBroken: boolean },
): ProjectionDefinition<{ sum: number }, Counted> {
  return countingProjection(name, {
    fingerprint: "fixed",
    apply(state, event) {
      if (isBroken) throw new Error("Broken");
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  });
}

const ONE = fragile("One", { isBroken: false });

/** Rebuilds as a process does that is killed before it has written the outcome down. */
async function rebuildUntilKilled(
  path: string,
  definitions: readonly ProjectionDefinition[],
): Promise<MemoryFixture> {
  let syncs = 0;
  const killed = withSync("/operations/", async (next) => {
    if (++syncs > 1) throw new Error("Killed");
    await next();
  });
  const opossum = openOverMemory(path, definitions, {}, undefined, killed);
  await opossum.events.append(counts(6));
  await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  await opossum[Symbol.asyncDispose]();
  return opossum;
}

/** Continues, and says what was rebuilt. */
async function resume(opossum: MemoryFixture): Promise<string[]> {
  const [resumed] = await opossum.rebuilder.resumeInterrupted();
  const { success, details } = await resumed ?? {};
  assert(success);
  // Nothing is left to be continued.
  assertEquals(await opossum.rebuilder.resumeInterrupted(), []);
  return details?.map(({ projectionName }) => projectionName) ?? [];
}

Deno.test("resumeInterrupted() rebuilds only what was not swapped in before the kill", async () => {
  using dir = new TempDir();
  const definitions = ({ isBroken }: { isBroken: boolean }) => [
    ONE,
    fragile("Two", { isBroken }),
  ];
  const { events } = await rebuildUntilKilled(
    dir.path,
    definitions({ isBroken: true }),
  );
  await using opossum = openOverMemory(
    dir.path,
    definitions({ isBroken: false }),
    {},
    events,
  );
  assertEquals(await resume(opossum), ["Two"]);
  assertEquals((await opossum.projections.info("One")).generation, 1);
  assertEquals((await opossum.projections.info("Two")).checkpoint, 6);
});

Deno.test("resumeInterrupted() rebuilds nothing when only the outcome is missing", async () => {
  using dir = new TempDir();
  const definitions = [ONE];
  const { events } = await rebuildUntilKilled(dir.path, definitions);
  await using opossum = openOverMemory(dir.path, definitions, {}, events);
  assertEquals(await resume(opossum), []);
  const [resumed, killed] = await opossum.rebuilder.listOperations();
  assert(resumed?.result?.nothingToDo);
  assertEquals(killed?.resumedBy, resumed?.id);
  assertEquals(killed?.generationsBefore, { One: 0 });
});

Deno.test("resumeInterrupted() rebuilds again what was swapped in for another definition", async () => {
  using dir = new TempDir();
  const { events } = await rebuildUntilKilled(dir.path, [
    ONE,
  ]);
  const changed = countingProjection("One", { version: 2 });
  await using opossum = openOverMemory(dir.path, [changed], {}, events);
  assertEquals(await resume(opossum), ["One"]);
  assertEquals((await opossum.projections.info("One")).builtVersion, 2);
});

Deno.test("resumeInterrupted() rebuilds again what was damaged since it was swapped in", async () => {
  using dir = new TempDir();
  const definitions = [ONE];
  const { events } = await rebuildUntilKilled(dir.path, definitions);
  Deno.writeTextFileSync(dir.file("projections/One/current.json"), "?");
  await using opossum = openOverMemory(dir.path, definitions, {}, events);
  assertEquals(await resume(opossum), ["One"]);
  assertEquals((await opossum.projections.info("One")).state, "ready");
});

Deno.test("resumeInterrupted() leaves alone what another process is at", async () => {
  using dir = new TempDir();
  const events = new WatchedEventStore();
  await events.append(counts(6));
  const [reached, going] = [1, 2].map(() => Promise.withResolvers<void>());
  events.onBatch = async () => {
    reached?.resolve();
    await going?.promise;
  };
  const open = () => openOverMemory(dir.path, [ONE], {}, events);
  await using building = open();
  const built = building.rebuilder.rebuild("One");
  await reached?.promise;
  await using other = open();
  assertEquals(await other.rebuilder.resumeInterrupted(), []);
  going?.resolve();
  const { success, operationId } = await built;
  assert(success);
  const operation = await other.rebuilder.getOperation(operationId);
  assertEquals(operation?.resumedBy ?? null, null);
});

Deno.test("resumeInterrupted() continues once what a process had begun to continue when it was killed", async () => {
  using dir = new TempDir();
  const { events } = await rebuildUntilKilled(dir.path, [ONE]);
  await Deno.remove(dir.file("projections"), { recursive: true });
  const [name = ""] = dir.list("operations");
  const first = JSON.parse(
    Deno.readTextFileSync(dir.file(`operations/${name}`)),
  );
  const startedMs = Date.parse(first.startedAt) + 1;
  const second = {
    ...first,
    id: "f".repeat(32),
    resumes: first.id,
    startedAt: new Date(startedMs).toISOString(),
  };
  Deno.writeTextFileSync(
    dir.file(
      `operations/${String(startedMs).padStart(15, "0")}-${second.id}.json`,
    ),
    JSON.stringify(second),
  );
  await using opossum = openOverMemory(dir.path, [ONE], {}, events);
  const { rebuilder } = opossum;
  const resumed = await Promise.all(await rebuilder.resumeInterrupted());
  assertEquals(resumed.map((result) => result?.totalRebuilt), [1]);
  const found = await rebuilder.getOperation(first.id);
  assertEquals([found?.state, found?.resumedBy], ["interrupted", second.id]);
  const [{ operationId = "" } = {}] = resumed;
  assertEquals(
    (await rebuilder.getOperation(second.id))?.resumedBy,
    operationId,
  );
  assertEquals((await rebuilder.listOperations()).length, 3);
});
