import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreReadOnlyError } from "../../src/log/errors.ts";
import { FrameReader } from "../../src/log/frame_reader.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { edit, event, TestFolder } from "./support.ts";

/** Frames of the only segment, each a whole one with a right checksum. */
function framesOf(folder: TestFolder): readonly [string, ...string[]] {
  const text = Deno.readTextFileSync(folder.segment(0));
  const [header = "", ...frames] = text.split(/^(?=\{"frame":)/m);
  return [header, ...frames];
}

async function write(folder: TestFolder, names: string): Promise<void> {
  await folder.with(async (store) => {
    for (const name of names) await store.append([event(name)]);
  });
  // It would vouch for what was there.
  folder.removeIndex();
}

/** Puts other frames into the segment, and checks that they are not taken for the log. */
async function assertRefused(
  folder: TestFolder,
  frames: readonly string[],
  position: number,
): Promise<void> {
  edit(folder.segment(0), () => new TextEncoder().encode(frames.join("")));
  await using store = await folder.open();
  const { ok, problems } = await store.verify();
  assert(!ok);
  assertEquals(problems[0]?.first, position);
  await assertRejects(
    () => store.append([event("Z")]),
    StoreReadOnlyError,
  );
}

Deno.test("frames that changed places are not taken for the log", async () => {
  await using folder = new TestFolder();
  await write(folder, "ABCD");
  const [header, a = "", b = "", c = "", d = ""] = framesOf(folder);
  await assertRefused(folder, [header, a, c, b, d], 2);
});

Deno.test("a frame that stands there twice is not taken for the log", async () => {
  await using folder = new TestFolder();
  await write(folder, "ABCD");
  const [header, a = "", b = "", c = "", d = ""] = framesOf(folder);
  await assertRefused(folder, [header, a, b, b, c, d], 3);
});

Deno.test("a frame of another store is not taken for one of this, although its checksum is right", async () => {
  await using folder = new TestFolder();
  await using other = new TestFolder();
  await write(folder, "ABCD");
  await write(other, "ABCD");
  const [header, a = "", , c = "", d = ""] = framesOf(folder);
  const [, , b = ""] = framesOf(other);
  await assertRefused(folder, [header, a, b, c, d], 2);
});

Deno.test("a frame that stands where another one was looked for is told", async () => {
  await using folder = new TestFolder();
  await write(folder, "ABC");
  const [header, a = "", b = ""] = framesOf(folder);
  const offset = header.length + a.length + b.length;
  using file = denoFileSystem.open(folder.segment(0), { mode: "read" });
  // As an index that is wrong would have it; what stands before is not known then.
  using reader = new FrameReader(file, { offset, first: 2 });
  assertEquals(reader.read(), undefined);
  assertEquals(reader.damage, {
    offset,
    what: "expected position 2, found position 3",
  });
});
