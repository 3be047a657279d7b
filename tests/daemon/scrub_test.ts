import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import {
  openOpossum,
  type Opossum,
  type OpossumOptions,
  RebuilderClosedError,
  type ScrubbedProjection,
  ScrubRunningError,
  silentLogger,
  UnknownProjectionError,
} from "../../mod.ts";
import { scrubGenerations } from "../../src/projections/generation_scrub.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import { damageDocuments } from "../rebuild/repair_fixture.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECTIONS = [
  countingProjection("Sums", {
    related: { eventTypes: ["Counted"], tags: () => [] },
  }),
  countingProjection("Others"),
];
const SECOND = "projections/Sums/000002.sqlite";

function open(
  path: string,
  options: Partial<OpossumOptions> = {},
): Promise<Opossum> {
  return openOpossum({
    path,
    projections: PROJECTIONS,
    logger: silentLogger,
    enableAutoRebuild: false,
    startDaemon: false,
    ...options,
  });
}

/** A folder in which `Sums` has two generations and `Others` none. */
async function filled(): Promise<TempDir> {
  const dir = new TempDir();
  await using opossum = await open(dir.path);
  const events = counts(30).map((event) => ({ ...event, tags: ["t"] }));
  await opossum.events.append(events);
  await opossum.rebuilder.rebuild("Sums");
  await opossum.rebuilder.rebuild("Sums");
  return dir;
}

async function scrubSums(
  opossum: Opossum,
): Promise<ScrubbedProjection | undefined> {
  const { projections } = await opossum.scrub({ projections: ["Sums"] });
  assertEquals(projections.map(({ name }) => name), ["Sums"]);
  return projections[0];
}

function sql(file: string, text: string): void {
  using database = new DatabaseSync(file);
  database.exec(text);
}

Deno.test("scrub() reads log and projections, and finds nothing where nothing is wrong", async () => {
  using dir = await filled();
  await using opossum = await open(dir.path);
  assertEquals(await opossum.lastScrub(), undefined);
  const report = await opossum.scrub();
  assert(report.ok);
  assertEquals(report.log.events, 30);
  const nothing = { problem: null, previousProblem: null };
  assertEquals(report.projections, [
    {
      name: "Others",
      state: "absent",
      generation: null,
      documents: 0,
      ...nothing,
    },
    { name: "Sums", state: "ok", generation: 2, documents: 3, ...nothing },
  ]);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
  assert(dir.list().includes("scrub.json"));
});

/** What may be wrong with a generation, and in which words. */
const DAMAGES: Readonly<
  Record<string, {
    readonly problem: string;
    readonly damage: (file: string) => void;
  }>
> = {
  "a document that was changed": {
    problem: "The checksum of the document does not match",
    damage: (file) => damageDocuments(file, [{ kind: "change", at: 2 }]),
  },
  "a document that is missing": {
    problem: "It says 3 documents and has 2",
    damage: (file) => damageDocuments(file, [{ kind: "delete", at: 1 }]),
  },
  "a related event that was changed": {
    problem: "The checksum of the event does not match",
    damage: (file) => sql(file, "UPDATE related_events SET event = '{}'"),
  },
  "a key that was changed in the table alone": {
    problem: "Rows and indexes do not match",
    damage(file) {
      const bytes = Deno.readFileSync(file);
      const at = Buffer.from(bytes).lastIndexOf('a{"sum":145}');
      assert(at > 0);
      bytes[at] = "z".charCodeAt(0);
      Deno.writeFileSync(file, bytes);
    },
  },
  "a checkpoint that was changed": {
    problem: "The checkpoint or what it was built by is damaged",
    damage: (file) =>
      sql(file, "UPDATE meta SET value = 7 WHERE name = 'checkpoint'"),
  },
  "a file of another projection": {
    problem: "The checkpoint or what it was built by is damaged",
    damage: (file) =>
      sql(file, "UPDATE meta SET value = 'X' WHERE name = 'projectionName'"),
  },
  "a file that is missing": {
    problem: "It is missing",
    damage: (file) => Deno.removeSync(file),
  },
  "a file that is none": {
    problem: "file is not a database",
    damage: (file) => Deno.writeTextFileSync(file, "x".repeat(20_000)),
  },
};

for (const [what, { problem, damage }] of Object.entries(DAMAGES)) {
  Deno.test(`scrub() finds ${what}, and marks the projection as damaged`, async () => {
    using dir = await filled();
    damage(dir.file(SECOND));
    {
      await using opossum = await open(dir.path, { startDaemon: false });
      const found = await scrubSums(opossum);
      assertEquals([found?.state, found?.problem], ["damaged", problem]);
      // Told in the same words each time.
      assertEquals((await scrubSums(opossum))?.problem, problem);
    }
    await using opossum = await open(dir.path, { enableAutoRebuild: true });
    assertEquals((await opossum.projections.info("Sums")).state, "damaged");
    await opossum.rebuilder.rebuild("Sums");
    damage(dir.file("projections/Sums/000003.sqlite"));
    assertEquals((await scrubSums(opossum))?.state, "damaged");
    assertEquals((await opossum.projections.info("Sums")).state, "damaged");
    await opossum.rebuilder.rebuild("Sums");
    assertEquals((await scrubSums(opossum))?.state, "ok");
  });
}

Deno.test("scrub() finds a damaged current.json, and has the projection rebuilt where that is done automatically", async () => {
  using dir = await filled();
  await using opossum = await open(dir.path, {
    enableAutoRebuild: true,
    startDaemon: true,
  });
  await opossum.daemon.whenStarted();
  const { last } = await opossum.events.append(counts(1));
  Deno.writeTextFileSync(dir.file("projections/Sums/current.json"), "{}\n");
  const found = await scrubSums(opossum);
  assertEquals(found?.state, "damaged");
  assertEquals(found?.problem, "current.json: No generation numbers");
  await opossum.projections.waitFor(last);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});

Deno.test("scrub() has what is damaged rebuilt where that is done automatically", async () => {
  using dir = await filled();
  damageDocuments(dir.file(SECOND), [{ kind: "delete", at: 1 }]);
  await using opossum = await open(dir.path, {
    enableAutoRebuild: true,
    startDaemon: true,
  });
  await opossum.daemon.whenStarted();
  const found = await scrubSums(opossum);
  assertEquals(found?.state, "damaged");
  // It comes to this position by the rebuild alone.
  const { last } = await opossum.events.append(counts(1));
  await opossum.projections.waitFor(last);
  const [operation] = await opossum.rebuilder.listOperations();
  assertEquals(operation?.trigger, "damage");
  assertEquals(await opossum.projections.get("Sums", "b"), { sum: 155 });
  assertEquals((await scrubSums(opossum))?.state, "ok");
});

Deno.test("scrub() finds documents that repair() mends", async () => {
  using dir = await filled();
  damageDocuments(dir.file(SECOND), [{ kind: "delete", at: 1 }]);
  await using opossum = await open(dir.path);
  assertEquals((await scrubSums(opossum))?.state, "damaged");
  const { keys } = await opossum.rebuilder.repair("Sums");
  assertEquals(keys, [{ key: "b", change: "added" }]);
  assertEquals((await scrubSums(opossum))?.state, "ok");
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});

Deno.test("scrub() looks at the previous generation as well, and what serves is none the worse", async () => {
  using dir = await filled();
  damageDocuments(dir.file("projections/Sums/000001.sqlite"), [
    { kind: "change", at: 0 },
  ]);
  await using opossum = await open(dir.path);
  const found = await scrubSums(opossum);
  assertEquals(found?.state, "ok");
  const problem = "The checksum of the document does not match";
  assertEquals(found?.previousProblem, problem);
  assert(!(await opossum.lastScrub())?.ok);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
  // Marked, for whoever would go back to it.
  assertEquals((await scrubSums(opossum))?.previousProblem, problem);
});

Deno.test("scrub() with readOnly finds damage, and writes nothing", async () => {
  using dir = await filled();
  damageDocuments(dir.file(SECOND), [{ kind: "change", at: 0 }]);
  const before = Deno.readFileSync(dir.file(SECOND));
  const names = dir.list();
  {
    await using opossum = await open(dir.path, { readOnly: true });
    const found = await scrubSums(opossum);
    assertEquals(found?.state, "damaged");
    assertEquals((await opossum.lastScrub())?.projections[0], found);
    assertEquals((await opossum.projections.info("Sums")).state, "ready");
  }
  assertEquals(Deno.readFileSync(dir.file(SECOND)), before);
  assertEquals(dir.list(), names);
});

Deno.test("scrub() tells of damage in the log", async () => {
  using dir = await filled();
  const [segment] = [...Deno.readDirSync(dir.file("events"))];
  const path = dir.file(`events/${segment?.name}`);
  await using opossum = await open(dir.path);
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  Deno.writeFileSync(path, bytes);
  const { ok, log } = await opossum.scrub();
  assert(!ok);
  assertEquals(log.problems.length, 1);
});

Deno.test("lastScrub() tells what an earlier process found", async () => {
  using dir = await filled();
  const report = await (async () => {
    await using opossum = await open(dir.path);
    await opossum.scrub({ projections: [] });
    return await opossum.scrub();
  })();
  await using opossum = await open(dir.path);
  assertEquals(await opossum.lastScrub(), report);
  Deno.writeTextFileSync(dir.file("scrub.json"), "{");
  await using again = await open(dir.path);
  assertEquals(await again.lastScrub(), undefined);
});

Deno.test("one scrub goes on at a time, ends when it is told to, and with the store", async () => {
  using dir = await filled();
  const opossum = await open(dir.path);
  const stop = new AbortController();
  const stopped = opossum.scrub({ signal: stop.signal });
  const running = await assertRejects(() => opossum.scrub(), ScrubRunningError);
  assertEquals(opossum.scrubbingSince, running.startedAt);
  stop.abort(new Error("Enough"));
  await assertRejects(() => stopped, Error, "Enough");
  assertEquals(await opossum.lastScrub(), undefined);
  await assertRejects(
    () => opossum.scrub({ projections: ["Nobody"] }),
    UnknownProjectionError,
  );
  const closed = assertRejects(() => opossum.scrub(), RebuilderClosedError);
  await opossum[Symbol.asyncDispose]();
  await closed;
});

Deno.test("scrub() never calls damaged what is being switched, changed or repaired meanwhile", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await using opossum = openOverMemory(dir.path, PROJECTIONS, {}, log);
  const { daemon, rebuilder, scrubber, projections } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  let goesOn = true;
  const busy = (async () => {
    for (let i = 0; goesOn; i++) {
      const { last } = await log.append(counts(7));
      await projections.waitFor(last);
      await rebuilder.rebuild(["Sums", "Others"]);
      await rebuilder.repair("Sums");
    }
  })();
  for (let i = 0; i < 40; i++) {
    const { projections: found } = await scrubber.scrub();
    assertEquals(found.filter(({ state }) => state === "damaged"), []);
  }
  goesOn = false;
  await busy;
  assert((await scrubber.scrub()).ok);
});

Deno.test("scrub() begins anew when generations that it is about to look at are switched and deleted", async () => {
  using dir = await filled();
  await using opossum = await open(dir.path);
  let switches = 0;
  const found = await scrubGenerations({
    fileSystem: denoFileSystem,
    directory: dir.file("projections/Sums"),
    name: "Sums",
    async rest() {
      // The previous one is looked at last: by then it is gone.
      if (switches++ === 0) await opossum.rebuilder.rebuild("Sums");
    },
  });
  assertEquals([found.state, found.generation], ["ok", 3]);
  assertEquals(found.previousProblem, null);
  const restless = await scrubGenerations({
    fileSystem: denoFileSystem,
    directory: dir.file("projections/Sums"),
    name: "Sums",
    rest: async () => void await opossum.rebuilder.rebuild("Sums"),
  });
  assertEquals(restless.state, "unavailable");
});

Deno.test("scrub() says of files that cannot be read just now that they are unavailable, and marks nothing", async () => {
  using dir = new TempDir();
  let isOut = false;
  const outOfDescriptors = {
    ...denoFileSystem,
    open: (...[path, options]: Parameters<typeof denoFileSystem.open>) => {
      if (isOut && path.endsWith("Sums/current.json")) {
        throw Object.assign(new Error("Too many"), { code: "EMFILE" });
      }
      return denoFileSystem.open(path, options);
    },
  };
  await using opossum = openOverMemory(
    dir.path,
    PROJECTIONS,
    {},
    new MemoryEventStore(),
    outOfDescriptors,
  );
  await opossum.rebuilder.rebuild(["Sums", "Others"]);
  isOut = true;
  const { ok, projections } = await opossum.scrubber.scrub();
  assert(!ok);
  assertEquals(projections.map(({ state }) => state), ["ok", "unavailable"]);
  isOut = false;
  assert((await opossum.scrubber.scrub()).ok);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});

Deno.test("scrubSchedule scrubs on time, again and again", async () => {
  using dir = new TempDir();
  const clock = new FakeClock("2026-01-01T01:59:00Z");
  await using opossum = openOverMemory(dir.path, PROJECTIONS, {
    clock,
    scrubSchedule: "0 2 * * *",
    rebuildGoodNeighbour: false,
    pollingInterval: 3_600_000,
  });
  const { daemon, scrubber } = opossum;
  await daemon.start();
  await daemon.whenStarted();
  for (const day of ["01", "02"]) {
    await clock.whenSleeping(2);
    const due = Date.parse(`2026-01-${day}T02:00:00Z`);
    while (clock.now().getTime() < due) {
      await clock.whenSleeping(2);
      await clock.advance(60_000);
    }
    await clock.whenSleeping(2);
    const { startedAt } = await scrubber.lastScrub() ?? {};
    assertEquals(startedAt, `2026-01-${day}T02:00:00.000Z`);
  }
});
