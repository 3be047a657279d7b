import { assert, assertEquals, assertRejects } from "@std/assert";
import { LogCorruptionError } from "../../src/log/errors.ts";
import {
  copyFolder,
  edit,
  event,
  flipBit,
  positions,
  range,
  TestFolder,
  unsynced,
} from "../log/support.ts";
import { framesOf } from "./damaged_log.ts";
import { scale } from "./random.ts";

/** At every so many bytes or bits: 1 tries all of them. */
const STEP = scale("OPOSSUM_TEST_BYTE_STEP", 101);
const BIT_STEP = STEP === 1 ? 5 : 2_003;
const EVENTS = 200;

/** Two hundred events in several segments, ASCII and not. */
async function filled(): Promise<TestFolder> {
  const folder = new TestFolder();
  await folder.with(async (store) => {
    for (let n = 0; n < EVENTS; n += 4) {
      await store.append([
        event("A", ["t:1"], n),
        event("Größe", ["t:ü"], n),
        event("B", [], n),
        event("C", ["t:1"], n),
      ]);
    }
  }, { segmentBytesMax: 6_000, fileSystem: unsynced });
  return folder;
}

Deno.test("verify() finds every flipped bit of two hundred events, and names file and place", async () => {
  await using folder = await filled();
  await using store = await folder.open({ fileSystem: unsynced });
  assert((await store.verify()).ok);
  for (const [index, name] of folder.segments().entries()) {
    const path = folder.segment(index);
    const whole = Deno.readFileSync(path);
    const frames = framesOf(whole);
    for (let bit = 0; bit < whole.length * 8; bit += BIT_STEP) {
      Deno.writeFileSync(path, flipBit(whole, bit));
      const { ok, problems } = await store.verify();
      const [problem] = problems;
      assert(!ok && problem, `bit ${bit} of ${name}`);
      assertEquals(problem.file, `events/${name}`);
      const at = bit >> 3;
      const hit = frames.find(({ offset, end }) => offset <= at && at < end);
      assertEquals(problem.offset, hit?.offset ?? 0, `bit ${bit} of ${name}`);
      if (hit) {
        assertEquals([problem.first, problem.last], [hit.first, hit.last]);
      }
    }
    Deno.writeFileSync(path, whole);
  }
});

Deno.test("a sealed segment that is cut to any length takes no appends, and what stands before is read", async () => {
  await using template = await filled();
  for (const index of [0, 1]) {
    const whole = Deno.readFileSync(template.segment(index));
    const frames = framesOf(whole);
    const sizes = new Set(frames.slice(0, -1).map(({ end }) => end));
    for (let size = 0; size < whole.length; size += STEP === 1 ? 7 : 1_009) {
      sizes.add(size);
    }
    for (const size of sizes) {
      await using folder = new TestFolder();
      copyFolder(template.path, folder.path);
      edit(folder.segment(index), (bytes) => bytes.subarray(0, size));
      // The segments alone must tell, also where the cut lies between two appends.
      folder.removeIndex();
      const last = frames.findLast(({ end }) => end <= size)?.last ??
        (frames[0]?.first ?? 1) - 1;
      const open = () => folder.open({ fileSystem: unsynced });
      if (last === 0) {
        const error = await assertRejects(open, LogCorruptionError);
        assertEquals(error.position, 1);
      } else {
        await using store = await open();
        const cause = store.readOnlyCause;
        assert(cause instanceof LogCorruptionError, `${size} bytes`);
        assertEquals(cause.position, last + 1, `${size} bytes`);
        assertEquals(await positions(store), range(1, last));
      }
      assertEquals(Deno.statSync(folder.segment(index)).size, size);
    }
  }
});

Deno.test("damage in a sealed segment is noticed by whoever reads it, at any byte, and nothing is cut", async () => {
  await using folder = await filled();
  const path = folder.segment(1);
  const whole = Deno.readFileSync(path);
  const frames = framesOf(whole);
  const start = frames[0]?.offset ?? 0;
  await using store = await folder.open({ fileSystem: unsynced });
  for (let at = start; at < whole.length; at += STEP === 1 ? 1 : 307) {
    Deno.writeFileSync(path, flipBit(whole, at * 8 + at % 8));
    const hit = frames.find(({ offset, end }) => offset <= at && at < end);
    const seen: number[] = [];
    const error = await assertRejects(async () => {
      for await (const { position } of store.read("all")) seen.push(position);
    }, LogCorruptionError);
    assertEquals(seen, range(1, (hit?.first ?? 0) - 1), `byte ${at}`);
    assertEquals([error.position, error.offset], [hit?.first, hit?.offset]);
    // The segments behind it are read as ever.
    const after = { after: frames.at(-1)?.last ?? 0 };
    assertEquals(
      await positions(store, "all", after),
      range(after.after + 1, EVENTS),
    );
  }
  Deno.writeFileSync(path, whole);
});

Deno.test("a segment that was only begun tells that events before it are missing", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    for (const type of ["A", "B", "C"]) await store.append([event(type)]);
  }, { segmentBytesMax: 64, fileSystem: unsynced });
  // It would vouch for what was there.
  folder.removeIndex();
  edit(folder.segment(2), (bytes) => bytes.subarray(0, 10));
  Deno.removeSync(folder.segment(1));
  await using store = await folder.open({ fileSystem: unsynced });
  assertEquals(await positions(store), [1]);
  const cause = store.readOnlyCause;
  assert(cause instanceof LogCorruptionError, `${cause}`);
  assertEquals(cause.position, 2);
});

Deno.test("who looks up rare events is not kept from them by damage to the last one, which is another", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    await store.append([event("Rare")]);
    for (let i = 0; i < 100; i++) await store.append([event("Frequent")]);
    edit(
      folder.segment(-1),
      (bytes) => flipBit(bytes, 8 * (bytes.length - 9)),
    );
    const query = { items: [{ types: ["Rare"] }] };
    const batches = await Array.fromAsync(store.readBatches(query));
    assertEquals(
      batches.map(({ events, through }) => [events.length, through]),
      [[1, 101]],
    );
  });
});
