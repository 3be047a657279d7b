import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

const BYTES = new TextEncoder().encode("0123456789");

Deno.test("FaultyFileSystem records what it is asked for, and how it came out", async () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  const path = dir.file("a");
  fileSystem.inject({ kind: "sync", code: "EIO" });
  using file = fileSystem.open(path, { mode: "append" });
  file.append(BYTES);
  await assertRejects(() => file.sync(), Error, "EIO");
  fileSystem.rename(path, dir.file("b"));
  assertEquals(fileSystem.operations, [
    { kind: "open", path, code: undefined },
    { kind: "append", path, code: undefined },
    { kind: "sync", path, code: "EIO" },
    { kind: "rename", path: dir.file("b"), code: undefined },
  ]);
  fileSystem.forget();
  assertEquals(fileSystem.operations, []);
});

Deno.test("FaultyFileSystem fails the n-th matching operation, as often as told", () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  fileSystem.inject({
    kind: "stat",
    path: "wanted",
    nth: 2,
    times: 2,
    code: "EIO",
  });
  const outcomes = Array.from({ length: 5 }, () => {
    fileSystem.stat(dir.file("other"));
    try {
      fileSystem.stat(dir.file("wanted"));
      return "ok";
    } catch (error) {
      return (error as Error & { code: string }).code;
    }
  });
  assertEquals(outcomes, ["ok", "EIO", "EIO", "ok", "ok"]);
});

Deno.test("FaultyFileSystem counts looking whether a file exists as asking for what is known of it", () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  fileSystem.inject({ kind: "stat", nth: 2, code: "EIO" });
  assert(fileSystem.exists(dir.path));
  assertThrows(() => fileSystem.exists(dir.path), Error, "EIO");
  assert(!fileSystem.exists(dir.file("missing")));
  assertEquals(fileSystem.operations.map(({ kind, code }) => [kind, code]), [
    ["stat", undefined],
    ["stat", "EIO"],
    ["stat", undefined],
  ]);
});

Deno.test("FaultyFileSystem fails everything from the n-th operation on, until it heals", async () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  using file = fileSystem.open(dir.file("a"), { mode: "append" });
  fileSystem.inject({ nth: 2, times: Infinity, code: "EIO" });
  file.append(BYTES);
  assertThrows(() => file.append(BYTES), Error, "EIO");
  assertThrows(() => file.truncate(0), Error, "EIO");
  assertThrows(() => file.tryLock(), Error, "EIO");
  assertThrows(() => fileSystem.list(dir.path), Error, "EIO");
  assertThrows(() => fileSystem.makeDirectory(dir.path), Error, "EIO");
  assertThrows(() => fileSystem.remove(dir.file("a")), Error, "EIO");
  await assertRejects(() => fileSystem.syncDirectory(dir.path), Error, "EIO");
  fileSystem.heal();
  assertEquals(fileSystem.list(dir.path), ["a"]);
  assertEquals(file.stat().size, BYTES.length);
});

Deno.test("FaultyFileSystem takes only some bytes of an append, with or without an error", () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  using file = fileSystem.open(dir.file("a"), { mode: "append" });
  fileSystem.inject({ kind: "append", bytesTaken: 4 });
  fileSystem.inject({ kind: "append", nth: 2, bytesTaken: 2, code: "ENOSPC" });
  assertEquals(file.append(BYTES), 4);
  assertThrows(() => file.append(BYTES.subarray(4)), Error, "ENOSPC");
  assertEquals(Deno.readTextFileSync(dir.file("a")), "012345");
  assertEquals(file.append(BYTES), BYTES.length);
});

Deno.test("FaultyFileSystem.inject() refuses counts less than 1", () => {
  const fileSystem = new FaultyFileSystem();
  for (const fault of [{ nth: 0 }, { times: 0 }, { nth: NaN }]) {
    assertThrows(() => fileSystem.inject(fault), RangeError, "at least 1");
  }
});
