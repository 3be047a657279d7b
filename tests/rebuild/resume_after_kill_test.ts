/**
 * Rebuilds in a process of their own, killed at random points, again and again. A handful of
 * kills by default; for a soak set `OPOSSUM_TEST_KILLS` to their number. The seed stands in the
 * name of the step; `OPOSSUM_TEST_SEED` repeats it.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { createHash } from "node:crypto";
import {
  type EventInput,
  openOpossum,
  type Opossum,
  type OpossumOptions,
  silentLogger,
  type StoredEvent,
} from "../../mod.ts";
import { plainFold } from "../../src/testing/determinism/plain_fold.ts";
import { generateEvents } from "../../examples/course_management/seeder.ts";
import { SeededRandom } from "../../examples/course_management/seeding/random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { type KillPoint, runAndKill } from "./resume_after_kill_support.ts";
import { plainDefinitions } from "./resume_after_kill_projections.ts";

const KILLS = Number(Deno.env.get("OPOSSUM_TEST_KILLS") ?? 8);
const SEED = Number(
  Deno.env.get("OPOSSUM_TEST_SEED") ?? Math.floor(Math.random() * 2 ** 32),
);
const EVENTS = 240;
/** Some way through an undisturbed rebuild of those, which has at least twice as many marks. */
const MARKS = 1_000;
/** As many times as one writes down: for appends, swaps and its history. */
const TIMES = 12;
/** As many times as one changes files, at least. */
const FILE_CHANGES = 600;
const PROJECTIONS = import.meta.resolve("./resume_after_kill_projections.ts");

/** The sample's events, with others among them that delete and are related. */
function makeEvents(count: number, random: SeededRandom): EventInput[] {
  const key = () =>
    random.pick(["__proto__", "é😀", `key ${random.integer(1, 150)}`]);
  const seed = random.integer(0, 2 ** 32 - 1);
  return [...generateEvents({ events: count, seed })].flatMap((event) => {
    const [from, to] = [key(), key()];
    const keys = [...new Set([from, to, key()])];
    const text = "é".repeat(random.integer(0, 500));
    const other = random.pick<EventInput>([
      {
        type: "Put",
        tags: keys.map((key) => `key:${key}`),
        data: { keys, field: to, value: text },
      },
      { type: "Dropped", tags: [`key:${from}`], data: { key: from } },
      { type: "Linked", data: { from, to } },
    ]);
    return random.fraction() < 0.3 ? [event] : [event, other];
  });
}

async function open(
  path: string,
  options: Partial<OpossumOptions> = {},
): Promise<Opossum> {
  return await openOpossum({
    path,
    projections: PROJECTIONS,
    enableAutoRebuild: false,
    startDaemon: false,
    logger: silentLogger,
    ...options,
  });
}

function digestOf(documents: Iterable<readonly [string, string]>): string {
  const hash = createHash("sha256");
  const byKey = new Map(documents);
  for (const key of [...byKey.keys()].sort()) {
    hash.update(JSON.stringify([key, byKey.get(key)]));
  }
  return hash.digest("hex");
}

/** The digests of what is served, by projection. */
async function digests(
  { projections }: Opossum,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of projections.names) {
    const documents = await Array.fromAsync(
      projections.documents(name),
      ({ key, state }) => [key, JSON.stringify(state)] as const,
    );
    found[name] = digestOf(documents);
  }
  return found;
}

/** Each projection must hold exactly the events up to its position, whichever that is. */
async function assertServed(opossum: Opossum): Promise<void> {
  const { projections, events } = opossum;
  assertEquals((await opossum.verify()).problems, []);
  const log: StoredEvent[] = await Array.fromAsync(events.read("all"));
  const found = await digests(opossum);
  for (const definition of plainDefinitions()) {
    const { name } = definition;
    const { state, checkpoint } = await projections.info(name);
    assertEquals(state, "ready", name);
    const expected = plainFold(definition, log.slice(0, checkpoint));
    assertEquals(found[name], digestOf(expected), `${name} at ${checkpoint}`);
  }
}

/** Continues undisturbed, and compares with a rebuild that nobody disturbed. */
async function assertResumed(path: string): Promise<void> {
  await using opossum = await open(path, { startDaemon: true });
  await opossum.daemon.whenStarted();
  await opossum.projections.waitFor(await opossum.events.head());
  await assertServed(opossum);
  const plan = await opossum.rebuilder.plan(undefined);
  assertEquals(plan.filter(({ rebuild }) => rebuild), []);
  const resumed = await digests(opossum);
  const { success } = await opossum.rebuilder.rebuildAll({
    forceRebuild: true,
  });
  assert(success);
  assertEquals(await digests(opossum), resumed);
}

/** Nothing is left behind but two generations of each projection. */
function assertSwept(path: string): void {
  for (const { name } of plainDefinitions()) {
    const names = [...Deno.readDirSync(`${path}/projections/${name}`)]
      .map((entry) => entry.name);
    assertEquals(names.filter((file) => /building|journal|tmp/.test(file)), []);
    const generations = names.filter((file) => file.endsWith(".sqlite"));
    assertEquals(generations.length, 2, names.join());
  }
}

/** Builds generations of half the log, so that old and new ones are told apart. */
async function prepare(path: string, random: SeededRandom): Promise<void> {
  const log = makeEvents(EVENTS, random);
  await using opossum = await open(path);
  await opossum.events.append(log.slice(0, log.length / 2));
  await opossum.rebuilder.rebuildAll();
  await opossum.events.append(log.slice(log.length / 2));
}

function randomPoint(random: SeededRandom): KillPoint {
  const held = random.fraction() < 0.5;
  return random.pick<KillPoint>([
    { count: random.integer(1, MARKS), held },
    { kind: "n", count: random.integer(1, TIMES), held },
    { kind: "t", count: random.integer(1, MARKS), held },
    { fileChanges: random.integer(1, FILE_CHANGES) },
  ]);
}

Deno.test("a rebuild that is killed at any point leaves the old documents or the new, and is continued", async (t) => {
  await t.step(`${KILLS} kills, seed ${SEED}`, async () => {
    using dir = new TempDir();
    const random = new SeededRandom(SEED);
    const path = dir.file("data");
    await prepare(path, random);
    let resume = false;
    for (let kills = 0; kills < KILLS;) {
      const wasKilled = await runAndKill({
        path,
        resume,
        batchSize: random.pick([1, 7, 50]),
        maxConcurrentRebuilds: random.pick([1, 2, 4]),
        blocks: [makeEvents(1, random), makeEvents(2, random)],
      }, randomPoint(random));
      {
        await using opossum = await open(path);
        await assertServed(opossum);
      }
      if (wasKilled) kills++;
      // Now and then a new one begins over the remains of the last.
      resume = wasKilled && random.fraction() < 0.8;
    }
    await assertResumed(path);
    assertSwept(path);
  });
});

Deno.test("a rebuild that was killed goes on from its last commit", async () => {
  using dir = new TempDir();
  const path = dir.file("data");
  await prepare(path, new SeededRandom(1));
  const task = {
    path,
    resume: false,
    batchSize: 5,
    maxConcurrentRebuilds: 64,
    blocks: [],
  };
  const wasKilled = await runAndKill(task, {
    kind: "a",
    count: EVENTS * 2,
    held: true,
  });
  assert(wasKilled);
  {
    await using opossum = await open(path);
    await assertServed(opossum);
    const plan = await opossum.rebuilder.plan(undefined);
    assertEquals(
      plan.map(({ reason }) => reason),
      plan.map(() => "interrupted"),
    );
  }
  await using opossum = await open(path, { startDaemon: true });
  await opossum.daemon.whenStarted();
  const [operation] = await opossum.rebuilder.listOperations();
  assertEquals(operation?.trigger, "resume");
  const head = await opossum.events.head();
  for (const detail of operation?.result?.details ?? []) {
    const { projectionName, success, reason, eventsScanned } = detail;
    assertEquals([success, reason], [true, "interrupted"], projectionName);
    assertLess(eventsScanned, head, projectionName);
  }
  await assertServed(opossum);
});
