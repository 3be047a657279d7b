import { assert, assertEquals, assertRejects } from "@std/assert";
import { LogReadError, StoreOpenError } from "../../mod.ts";
import { FakeClock, FaultyFileSystem } from "../../src/testing/mod.ts";
import { event, positions, range, TestFolder } from "../log/support.ts";
import { DiskSession } from "./disk_session.ts";

const SMALL = { segmentBytesMax: 64 };

Deno.test("a read that fails names file and offset, and leaves the other segments readable", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await folder.with(async (store) => {
    for (const n of range(1, 5)) await store.append([event("A", [], n)]);
    const file = `events/${folder.segmentName(2)}`;
    fileSystem.inject({ kind: "read", path: file, code: "EIO", times: 99 });
    const seen: number[] = [];
    const error = await assertRejects(async () => {
      for await (const { position } of store.read("all")) seen.push(position);
    }, LogReadError);
    assertEquals([error.file, error.offset, error.code], [file, 0, "EIO"]);
    assertEquals(seen, [1, 2]);
    assertEquals(await positions(store, "all", { after: 3 }), [4, 5]);
    const { ok, problems } = await store.verify();
    assertEquals([ok, problems.length], [false, 1]);
    assertEquals([problems[0]?.first, problems[0]?.last], [3, 3]);
    assert(problems[0]?.what.startsWith("it cannot be read: EIO"));
    // Nothing was concluded from it.
    fileSystem.heal();
    assertEquals(await positions(store), [1, 2, 3, 4, 5]);
    assertEquals(store.readOnlyCause, undefined);
  }, { fileSystem, ...SMALL });
});

Deno.test("head() and read() say that what another store appended cannot be read, and do not pass over it", async () => {
  await using folder = new TestFolder();
  const fileSystem = new FaultyFileSystem();
  await using reader = await folder.open({ fileSystem });
  await using writer = await folder.open();
  await writer.append([event("A")]);
  assertEquals(await reader.head(), 1);
  await writer.append([event("B")]);
  const path = "/events/";
  fileSystem.inject({ kind: "read", path, code: "EIO", times: 99 });
  await assertRejects(() => reader.head(), LogReadError);
  await assertRejects(() => positions(reader), LogReadError);
  fileSystem.heal();
  assertEquals(await positions(reader), [1, 2]);
  assertEquals((await reader.append([event("C")])).first, 3);
});

Deno.test("no read that fails or gives less than asked for is taken for the end of the log", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    for (const n of range(1, 6)) await store.append([event("A", ["t:1"], n)]);
  });
  const reading = async (fileSystem: FaultyFileSystem) =>
    await folder.with(async (store) => {
      const all = await positions(store);
      return [all, await positions(store, { items: [{ tags: ["t:1"] }] })];
    }, { fileSystem });
  const counting = new FaultyFileSystem();
  await reading(counting);
  const count =
    counting.operations.filter(({ kind }) => kind === "read").length;
  assert(count >= 4);
  for (const nth of range(1, count)) {
    const short = new FaultyFileSystem();
    short.inject({ kind: "read", nth, bytesTaken: 3 });
    assertEquals((await reading(short))[0], [1, 2, 3, 4, 5, 6]);
    for (const fault of [{ code: "EIO" }, { bytesTaken: 0, times: 99 }]) {
      const failing = new FaultyFileSystem();
      failing.inject({ kind: "read", nth, ...fault });
      const error = await assertRejects(() => reading(failing));
      assert(error instanceof LogReadError || error instanceof StoreOpenError);
      assertEquals(error.code, "EIO");
    }
  }
  // A tail of which too little was read would have been cut off.
  assertEquals(folder.names("quarantine"), []);
});

Deno.test("recovery that reads little at a time still finds the proof that an event was acknowledged", async () => {
  await using folder = new TestFolder();
  await folder.with(async (store) => {
    for (const n of range(1, 3)) await store.append([event("A", [], n)]);
  });
  folder.removeIndex();
  const path = folder.segment(0);
  const bytes = Deno.readFileSync(path);
  const second = new TextDecoder().decode(bytes).indexOf('{"frame":2');
  bytes[second + 120] = (bytes[second + 120] ?? 0) ^ 1;
  Deno.writeFileSync(path, bytes);
  const fileSystem = new FaultyFileSystem();
  fileSystem.inject({ kind: "read", bytesTaken: 3, times: 1_000_000 });
  await folder.with(async (store) => {
    assertEquals(store.readOnlyCause?.name, "LogCorruptionError");
    assertEquals(await positions(store), [1]);
  }, { fileSystem });
  assertEquals(Deno.readFileSync(path), bytes);
});

Deno.test("a projection pauses where the log cannot be read, and goes on from there", async () => {
  using session = new DiskSession();
  const clock = new FakeClock();
  await using open = await session.open({ clock });
  const { store, assembly: { daemon, projections, rebuilder } } = open;
  for (let i = 0; i < 4; i++) await session.append(store);
  assert((await rebuilder.rebuildAll()).success);
  for (let i = 0; i < 4; i++) await session.append(store);
  const path = "/events/";
  session.fileSystem.inject({ kind: "read", path, code: "EIO", times: 1e6 });
  await daemon.start();
  await daemon.whenStarted();
  await clock.whenSleeping();
  for (const name of projections.names) {
    const { checkpoint, state } = await projections.info(name);
    assertEquals([checkpoint, state], [4, "ready"]);
  }
  session.fileSystem.heal();
  await clock.advance(5_000);
  await projections.waitFor(8);
  await daemon.stop();
});
