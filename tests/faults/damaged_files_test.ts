import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  LogCorruptionError,
  openOpossum,
  type Opossum,
  silentLogger,
  StoreFormatError,
} from "../../mod.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { copyFolder, TestFolder } from "../log/support.ts";
import { scale } from "./random.ts";

/** At every so many bytes: 1 tries all of them. */
const STEP = scale("OPOSSUM_TEST_BYTE_STEP", 23);

/** Nothing is rebuilt by itself. */
const AS_IT_IS = { enableAutoRebuild: false };

const PROJECTIONS = [countingProjection("Sums"), countingProjection("Others")];

function open(
  path: string,
  { enableAutoRebuild = true } = {},
): Promise<Opossum> {
  return openOpossum({
    path,
    projections: PROJECTIONS,
    logger: silentLogger,
    enableAutoRebuild,
  });
}

/** A folder with 40 events, two projections that were rebuilt once, and their operations. */
async function filled(): Promise<TestFolder> {
  const folder = new TestFolder();
  await using opossum = await openOpossum({
    path: folder.path,
    projections: PROJECTIONS,
    logger: silentLogger,
    segmentBytesMax: 65_536,
  });
  await opossum.events.append(counts(20));
  await opossum.daemon.whenStarted();
  // Generations 2 and 3: one bit makes the one the other.
  for (const _time of ["second", "third"]) {
    await opossum.rebuilder.rebuildAll({ forceRebuild: true });
  }
  const { last } = await opossum.events.append(counts(20));
  await opossum.projections.waitFor(last);
  return folder;
}

async function documentsOf(opossum: Opossum, name: string): Promise<string> {
  const documents = await Array.fromAsync(opossum.projections.documents(name));
  return JSON.stringify(documents);
}

/** Opens the folder as a server does, and compares what is served once it has started. */
async function healed(path: string, expected: string): Promise<void> {
  await using opossum = await open(path);
  await opossum.daemon.whenStarted();
  await opossum.projections.waitFor(await opossum.events.head());
  for (const { name } of PROJECTIONS) {
    assertEquals(await documentsOf(opossum, name), expected, name);
  }
}

async function expectedOf(folder: TestFolder): Promise<string> {
  await using opossum = await open(folder.path);
  await opossum.daemon.whenStarted();
  return await documentsOf(opossum, "Sums");
}

/** The file flipped at a byte, and cut before it. */
function* variantsOf(
  bytes: Uint8Array<ArrayBuffer>,
  step: number,
): Generator<readonly [string, Uint8Array]> {
  for (let at = 0; at < bytes.length; at += step) {
    for (const bit of step === 1 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      yield [`bit ${bit} of byte ${at} flipped`, flipped];
    }
    yield [`cut to ${at} bytes`, bytes.subarray(0, at)];
  }
}

Deno.test("store.json that is damaged at any byte or cut is refused, or says the same", async () => {
  await using folder = await filled();
  const file = `${folder.path}/store.json`;
  const bytes = Deno.readFileSync(file);
  const { storeId } = await folder.with((store) => store);
  let refused = 0;
  for (const [what, damaged] of variantsOf(bytes, STEP === 1 ? 1 : 7)) {
    Deno.writeFileSync(file, damaged);
    try {
      const store = await folder.open();
      await store[Symbol.asyncDispose]();
      assertEquals(store.storeId, storeId, what);
    } catch (error) {
      assert(error instanceof StoreFormatError, `${what}: ${error}`);
      refused++;
    }
    // Neither replaced nor mended: it is for a human to say which store this is.
    assertEquals(Deno.readFileSync(file), new Uint8Array(damaged), what);
  }
  assert(refused > 0);
});

Deno.test("current.json that is damaged at any byte or cut leads to a rebuild, never to another generation", async () => {
  await using folder = await filled();
  const expected = await expectedOf(folder);
  const file = "projections/Sums/current.json";
  const bytes = Deno.readFileSync(`${folder.path}/${file}`);
  const step = STEP === 1 ? 1 : 17;
  const other = bytes.slice();
  other[bytes.indexOf("3".charCodeAt(0))] = "2".charCodeAt(0);
  const variants = [["another number", other] as const];
  for (const [what, damaged] of [...variants, ...variantsOf(bytes, step)]) {
    Deno.writeFileSync(`${folder.path}/${file}`, damaged);
    await using opossum = await open(folder.path, AS_IT_IS);
    await opossum.daemon.whenStarted();
    const { state, generation } = await opossum.projections.info("Sums");
    // White space and the like may change without changing what is said.
    const isSame = state === "ready" && generation === 3;
    assert(state === "damaged" || isSame, `${what}: ${state} ${generation}`);
    assertEquals((await opossum.projections.info("Others")).state, "ready");
  }
  await healed(folder.path, expected);
});

Deno.test("records of operations that are damaged at any byte or cut keep nobody from starting", async () => {
  await using folder = await filled();
  const [name] = folder.names("operations");
  assert(name);
  const file = `${folder.path}/operations/${name}`;
  const bytes = Deno.readFileSync(file);
  for (const [what, damaged] of variantsOf(bytes, STEP === 1 ? 5 : 509)) {
    Deno.writeFileSync(file, damaged);
    await using opossum = await open(folder.path);
    await opossum.daemon.whenStarted();
    const { state } = await opossum.projections.info("Sums");
    assertEquals(state, "ready", what);
  }
});

Deno.test("a checkpoint is never read as another one, whichever byte is damaged", async () => {
  await using folder = await filled();
  const [name] = folder.names("projections/Sums")
    .filter((file) => file.endsWith(".sqlite")).slice(-1);
  const file = `${folder.path}/projections/Sums/${name}`;
  const bytes = Deno.readFileSync(file);
  const meta = new TextDecoder("latin1").decode(bytes);
  // The record of the checkpoint, and what lies around it.
  const at = meta.indexOf("checkpoint");
  assert(at > 0);
  for (let byte = at - 6; byte < at + 14; byte++) {
    for (let bit = byte % 8; bit < 8; bit += STEP === 1 ? 1 : 8) {
      const damaged = bytes.slice();
      damaged[byte] = (damaged[byte] ?? 0) ^ (1 << bit);
      Deno.writeFileSync(file, damaged);
      await using opossum = await open(folder.path, AS_IT_IS);
      const { state, checkpoint } = await opossum.projections.info("Sums");
      const isSame = state === "ready" && checkpoint === 40;
      assert(
        state === "damaged" || isSame,
        `bit ${bit} of byte ${byte}: ${state} at ${checkpoint}`,
      );
    }
  }
});

/** What may be deleted, and what then must be the case. */
const DELETIONS: readonly (readonly [string, "healed" | "refused"])[] = [
  ["lock", "healed"],
  ["index.sqlite", "healed"],
  ["projections", "healed"],
  ["operations", "healed"],
  ["projections/Sums", "healed"],
  ["projections/Sums/current.json", "healed"],
  ["projections/Sums/live.lock", "healed"],
  ["projections/Sums/build.lock", "healed"],
  ["projections/Sums/000002.sqlite", "healed"],
  ["projections/Sums/000003.sqlite", "healed"],
  ["store.json", "refused"],
  ["events/00000000000000000001.ndjson", "refused"],
  ["events", "refused"],
];

Deno.test("whatever is deleted is made again by the next start, or noticed: nothing begins anew", async () => {
  await using origin = await filled();
  const expected = await expectedOf(origin);
  for (const [name, outcome] of DELETIONS) {
    await using folder = new TestFolder();
    copyFolder(origin.path, folder.path);
    Deno.removeSync(`${folder.path}/${name}`, { recursive: true });
    if (outcome === "healed") {
      await healed(folder.path, expected);
      continue;
    }
    const before = folder.names("events");
    const error = await assertRejects(() => open(folder.path));
    const isKnown = error instanceof LogCorruptionError ||
      error instanceof StoreFormatError;
    assert(isKnown, `${name}: ${error}`);
    assertEquals(folder.names("events"), before, name);
    if (name !== "store.json") continue;
    assert(!folder.names("").includes(name), "another store was begun");
  }
});

Deno.test("whatever is deleted while the store is open is made again by the next start, or noticed", async () => {
  await using origin = await filled();
  const expected = await expectedOf(origin);
  for (const [name, outcome] of DELETIONS) {
    if (outcome !== "healed") continue;
    await using folder = new TestFolder();
    copyFolder(origin.path, folder.path);
    {
      await using opossum = await open(folder.path);
      await opossum.daemon.whenStarted();
      Deno.removeSync(`${folder.path}/${name}`, { recursive: true });
      await opossum.events.head();
    }
    await healed(folder.path, expected);
  }
});

Deno.test("foreign files are left alone, and keep nobody from starting", async () => {
  await using folder = await filled();
  const expected = await expectedOf(folder);
  const foreign = [
    "notes.txt",
    "events/README",
    "events/00000000000000000001.ndjson.bak",
    "events/1.ndjson",
    "projections/file",
    "projections/Sums/000002.sqlite.copy",
    "projections/Sums/2.sqlite",
    "operations/notes.json",
    "operations/000000000000000-zz.json",
  ];
  for (const name of foreign) {
    Deno.writeTextFileSync(`${folder.path}/${name}`, "{");
  }
  Deno.mkdirSync(`${folder.path}/projections/not a name`);
  await healed(folder.path, expected);
  for (const name of foreign) {
    assertEquals(Deno.readTextFileSync(`${folder.path}/${name}`), "{", name);
  }
});
