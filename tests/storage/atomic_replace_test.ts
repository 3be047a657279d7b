import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  appendFully,
  atomicReplace,
  readTextIfExists,
  sweepTemporaries,
} from "../../src/storage/atomic_replace.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("atomicReplace() creates the file, then replaces it", async () => {
  using dir = new TempDir();
  const path = dir.file("current.json");
  await atomicReplace(denoFileSystem, path, "first");
  assertEquals(Deno.readTextFileSync(path), "first");
  await atomicReplace(denoFileSystem, path, "second é");
  assertEquals(Deno.readTextFileSync(path), "second é");
  assertEquals(dir.list(), ["current.json"]);
});

Deno.test("atomicReplace() syncs the content before the rename and the folder after it", async () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  await atomicReplace(fileSystem, dir.file("current.json"), "content");
  const kinds = fileSystem.operations.map(({ kind }) => kind)
    .filter((kind) => kind !== "stat");
  assertEquals(kinds, ["open", "append", "sync", "rename", "syncDirectory"]);
});

Deno.test("atomicReplace() leaves the old content or the new, and nothing else, wherever it fails", async () => {
  using dir = new TempDir();
  const path = dir.file("current.json");
  const fileSystem = new FaultyFileSystem();
  await atomicReplace(fileSystem, path, "old");
  const operationCount = fileSystem.operations.length;
  for (let nth = 1; nth <= operationCount; nth++) {
    Deno.writeTextFileSync(path, "old");
    fileSystem.inject({ nth, code: "EIO" });
    await assertRejects(
      () => atomicReplace(fileSystem, path, "new"),
      Error,
      "EIO",
    );
    fileSystem.heal();
    // Only the folder's sync comes after the rename.
    const expected = nth < operationCount ? "old" : "new";
    assertEquals(readTextIfExists(denoFileSystem, path), expected, `${nth}`);
    assertEquals(dir.list(), ["current.json"], `${nth}`);
  }
});

Deno.test("atomicReplace() leaves the old content or the new when the process dies at any operation", async () => {
  using dir = new TempDir();
  const path = dir.file("current.json");
  const fileSystem = new FaultyFileSystem();
  await atomicReplace(fileSystem, path, "old");
  const operationCount = fileSystem.operations.length;
  for (let nth = 1; nth <= operationCount; nth++) {
    Deno.writeTextFileSync(path, "old");
    fileSystem.inject({ nth, times: Infinity, code: "EKILLED" });
    await assertRejects(() => atomicReplace(fileSystem, path, "new"), Error);
    fileSystem.heal();
    const content = readTextIfExists(denoFileSystem, path);
    assert(content === "old" || content === "new", `${nth}: ${content}`);
    sweepTemporaries(denoFileSystem, dir.path);
    assertEquals(dir.list(), ["current.json"], `${nth}`);
  }
});

Deno.test("atomicReplace() goes on after short writes", async () => {
  using dir = new TempDir();
  const path = dir.file("current.json");
  const fileSystem = new FaultyFileSystem();
  fileSystem.inject({ kind: "append", bytesTaken: 3 });
  fileSystem.inject({ kind: "append", nth: 2, bytesTaken: 1 });
  await atomicReplace(fileSystem, path, "a longer content");
  assertEquals(Deno.readTextFileSync(path), "a longer content");
});

Deno.test("atomicReplace() keeps the file from others", async () => {
  using dir = new TempDir();
  const path = dir.file("current.json");
  await atomicReplace(denoFileSystem, path, "secret");
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
});

Deno.test("appendFully() writes everything, however little each call takes", () => {
  const written: number[] = [];
  const file = {
    append(bytes: Uint8Array): number {
      const taken = Math.min(2, bytes.length);
      written.push(...bytes.subarray(0, taken));
      return taken;
    },
  };
  appendFully(file, new Uint8Array([1, 2, 3, 4, 5]));
  assertEquals(written, [1, 2, 3, 4, 5]);
});

Deno.test("readTextIfExists() tells a missing file from an empty one", () => {
  using dir = new TempDir();
  const path = dir.file("store.json");
  assertEquals(readTextIfExists(denoFileSystem, path), undefined);
  Deno.writeTextFileSync(path, "");
  assertEquals(readTextIfExists(denoFileSystem, path), "");
  Deno.writeTextFileSync(path, "é\u{1f600}");
  assertEquals(readTextIfExists(denoFileSystem, path), "é\u{1f600}");
});

Deno.test("readTextIfExists() throws on bytes that are no UTF-8", () => {
  using dir = new TempDir();
  const path = dir.file("store.json");
  Deno.writeFileSync(path, new Uint8Array([0x7b, 0xff, 0x7d]));
  assertThrows(() => readTextIfExists(denoFileSystem, path), TypeError);
});

Deno.test("sweepTemporaries() deletes unfinished replacements alone", () => {
  using dir = new TempDir();
  const names = [
    "current.json",
    "current.json.1.tmp",
    "a.tmp",
    "tmp",
    "b.tmp.x",
  ];
  for (const name of names) Deno.writeTextFileSync(dir.file(name), "");
  sweepTemporaries(denoFileSystem, dir.path);
  assertEquals(dir.list(), ["b.tmp.x", "current.json", "tmp"]);
  sweepTemporaries(denoFileSystem, dir.file("missing"));
});
