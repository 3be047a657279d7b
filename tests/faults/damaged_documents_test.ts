import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  openOpossum,
  type Opossum,
  ProjectionDamagedError,
  silentLogger,
} from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { copyFolder, TestFolder } from "../log/support.ts";
import { scale } from "./random.ts";

/** At every so many bytes: 1 tries all of them, and all their bits. */
const STEP = scale("OPOSSUM_TEST_BYTE_STEP", 5);

const PROJECTIONS = [countingProjection("Sums"), countingProjection("Others")];

/** Of 30 events that count `a`, `b` and `c` by 1 to 30. */
const SUMS = { a: 145, b: 155, c: 165 };

async function open(
  folder: TestFolder,
  {
    enableAutoRebuild = false,
    startDaemon = true,
    readOnly = false,
    rebuildQueueMax = 100,
  } = {},
): Promise<Opossum> {
  const opossum = await openOpossum({
    path: folder.path,
    projections: PROJECTIONS,
    logger: silentLogger,
    enableAutoRebuild,
    rebuildQueueMax,
    startDaemon: startDaemon && !readOnly,
    readOnly,
  });
  if (startDaemon && !readOnly) await opossum.daemon.whenStarted();
  return opossum;
}

async function filled(): Promise<TestFolder> {
  const folder = new TestFolder();
  await using opossum = await open(folder, { enableAutoRebuild: true });
  const { last } = await opossum.events.append(counts(30));
  await opossum.projections.waitFor(last);
  return folder;
}

const FILE = "projections/Sums/000001.sqlite";
const PAGE_BYTES = 8_192;

/** Where the row of document `a` stands: its key, then its text. */
function rowOf(bytes: Uint8Array): { from: number; to: number } {
  const row = `a{"sum":${SUMS.a}}`;
  const from = Buffer.from(bytes).lastIndexOf(row);
  assert(from > 0);
  return { from, to: from + row.length };
}

function flip(folder: TestFolder, at: number, bit: number): void {
  const bytes = Deno.readFileSync(`${folder.path}/${FILE}`);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  Deno.writeFileSync(`${folder.path}/${FILE}`, bytes);
}

/** Makes 145 of document `a` 144: nothing but a checksum tells. */
function flipSum(folder: TestFolder): void {
  const bytes = Deno.readFileSync(`${folder.path}/${FILE}`);
  flip(folder, rowOf(bytes).to - 2, 0);
}

async function sums(opossum: Opossum, name: string) {
  const found = await opossum.projections
    .getMany<{ sum: number }>(name, ["a", "b", "c"]);
  return Object.fromEntries([...found].map(([key, { sum }]) => [key, sum]));
}

/** Every way to read the document. */
const READS: Readonly<Record<string, (opossum: Opossum) => Promise<unknown>>> =
  {
    get: ({ projections }) => projections.get("Sums", "a"),
    getMany: (opossum) => sums(opossum, "Sums"),
    list: ({ projections }) => projections.list("Sums"),
    queryByTag: ({ projections }) =>
      projections.queryByTag("Sums", "parity:odd"),
    documents: ({ projections }) =>
      Array.fromAsync(projections.documents("Sums")),
  };

for (const [what, read] of Object.entries(READS)) {
  Deno.test(`${what}() refuses a document whose text is damaged at any bit`, async () => {
    await using origin = await filled();
    const bytes = Deno.readFileSync(`${origin.path}/${FILE}`);
    const { from, to } = rowOf(bytes);
    for (let at = from + 1; at < to; at += STEP) {
      for (const bit of STEP === 1 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
        await using folder = new TestFolder();
        copyFolder(origin.path, folder.path);
        flip(folder, at, bit);
        await using opossum = await open(folder, { startDaemon: false });
        await assertRejects(
          () => read(opossum),
          ProjectionDamagedError,
          undefined,
          `bit ${bit} of byte ${at}`,
        );
        const { state } = await opossum.projections.info("Sums");
        assertEquals(state, "damaged");
        assertEquals(await sums(opossum, "Others"), SUMS);
      }
    }
  });
}

Deno.test("a projection with a damaged document is no longer read from, also by the next who opens it, until it is rebuilt", async () => {
  await using folder = await filled();
  flipSum(folder);
  {
    await using opossum = await open(folder, { startDaemon: false });
    const { projections } = opossum;
    assertEquals((await projections.info("Sums")).state, "ready");
    await assertRejects(() => projections.get("Sums", "a"));
    // Where one is damaged, others may seem to be missing.
    await assertRejects(
      () => projections.get("Sums", "b"),
      ProjectionDamagedError,
    );
  }
  {
    await using opossum = await open(folder, { startDaemon: false });
    assertEquals((await opossum.projections.info("Sums")).state, "damaged");
    await assertRejects(
      () => opossum.projections.get("Sums", "b"),
      ProjectionDamagedError,
    );
    const [plan] = await opossum.rebuilder.plan(["Sums"]);
    assertEquals(plan?.reason, "damaged");
    const { success } = await opossum.rebuilder.rebuild("Sums");
    assert(success);
    assertEquals(await sums(opossum, "Sums"), SUMS);
  }
  await using opossum = await open(folder);
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});

Deno.test("a projection of which SQLite finds a page malformed is damaged from then on", async () => {
  await using folder = await filled();
  const path = `${folder.path}/${FILE}`;
  const bytes = Deno.readFileSync(path);
  const { from } = rowOf(bytes);
  bytes.fill(0xff, from - from % PAGE_BYTES, from - from % PAGE_BYTES + 8);
  Deno.writeFileSync(path, bytes);
  await using opossum = await open(folder, { startDaemon: false });
  const { projections } = opossum;
  assertEquals((await projections.info("Sums")).state, "ready");
  await assertRejects(
    () => projections.get("Sums", "a"),
    ProjectionDamagedError,
  );
  assertEquals((await projections.info("Sums")).state, "damaged");
});

Deno.test("a damaged document is refused where nothing may be written, and nothing is", async () => {
  await using folder = await filled();
  flipSum(folder);
  const before = Deno.readFileSync(`${folder.path}/${FILE}`);
  {
    await using opossum = await open(folder, { readOnly: true });
    await assertRejects(
      () => opossum.projections.get("Sums", "a"),
      ProjectionDamagedError,
    );
    assertEquals((await opossum.projections.info("Sums")).state, "damaged");
  }
  assertEquals(Deno.readFileSync(`${folder.path}/${FILE}`), before);
  await using opossum = await open(folder, { startDaemon: false });
  assertEquals((await opossum.projections.info("Sums")).state, "ready");
});

Deno.test("live updates fold no damaged document on, and the other projections go on", async () => {
  await using folder = await filled();
  flipSum(folder);
  await using opossum = await open(folder);
  const { last } = await opossum.events.append(counts(3));
  await opossum.projections.waitFor(last, { names: ["Others"] });
  assertEquals((await opossum.projections.info("Others")).checkpoint, last);
  // Whichever came first: it was looked at by the same round.
  const { last: again } = await opossum.events.append(counts(3));
  await opossum.projections.waitFor(again, { names: ["Others"] });
  const { state } = await opossum.projections.info("Sums");
  assertEquals(state, "damaged");
  await assertRejects(
    () => opossum.projections.get("Sums", "b"),
    ProjectionDamagedError,
  );
});

for (const foundBy of ["a reader", "a live update"]) {
  Deno.test(`a damaged document that ${foundBy} finds is rebuilt at once where that is done automatically`, async () => {
    await using folder = await filled();
    flipSum(folder);
    await using opossum = await open(folder, { enableAutoRebuild: true });
    if (foundBy === "a reader") {
      await assertRejects(() => opossum.projections.get("Sums", "a"));
    }
    // `waitFor` ends when the rebuild has brought it there: nothing else can.
    const { last } = await opossum.events.append(counts(3));
    await opossum.projections.waitFor(last);
    const expected = { a: SUMS.a + 1, b: SUMS.b + 2, c: SUMS.c + 3 };
    assertEquals(await sums(opossum, "Sums"), expected);
    const [operation] = await opossum.rebuilder.listOperations();
    assertEquals(operation?.trigger, "damage");
    assertEquals(operation?.projectionNames, ["Sums"]);
  });
}

Deno.test("a damaged document is rebuilt also when as many operations wait as may", async () => {
  await using folder = await filled();
  flipSum(folder);
  await using opossum = await open(folder, {
    enableAutoRebuild: true,
    rebuildQueueMax: 1,
  });
  const { rebuilder, projections } = opossum;
  const { id } = await rebuilder.start(["Others"]);
  await rebuilder.pause(id);
  await assertRejects(() => projections.get("Sums", "a"));
  const { last } = await opossum.events.append(counts(3));
  await projections.waitFor(last);
  const expected = { a: SUMS.a + 1, b: SUMS.b + 2, c: SUMS.c + 3 };
  assertEquals(await sums(opossum, "Sums"), expected);
});
