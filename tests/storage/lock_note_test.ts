import { assert, assertEquals } from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { FileLock } from "../../src/storage/file_lock.ts";
import { FakeClock, FaultyFileSystem } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

function openLock(path: string, fileSystem = denoFileSystem): FileLock {
  return new FileLock(fileSystem, path, new FakeClock());
}

Deno.test("FileLock.readNote() tells what the holder wrote, and nothing when it has let go", () => {
  using dir = new TempDir();
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"));
  const held = a.tryAcquire("a is here");
  assertEquals(b.readNote(), "a is here");
  held?.[Symbol.dispose]();
  assertEquals(b.readNote(), "");
  using _next = a.tryAcquire("a");
  assertEquals(b.readNote(), "a");
});

Deno.test("FileLock.tryAcquire() replaces the note of a holder that was killed", () => {
  using dir = new TempDir();
  Deno.writeTextFileSync(dir.file("lock"), "somebody who is no more");
  using a = openLock(dir.file("lock"));
  using b = openLock(dir.file("lock"));
  using _held = a.tryAcquire("");
  assertEquals(b.readNote(), "");
});

Deno.test("FileLock.tryAcquire() gives the lock also when the disk takes no note", () => {
  using dir = new TempDir();
  const fileSystem = new FaultyFileSystem();
  using a = openLock(dir.file("lock"), fileSystem);
  using b = openLock(dir.file("lock"));
  fileSystem.inject({ kind: "append", code: "ENOSPC", bytesTaken: 3 });
  const held = a.tryAcquire("a is here");
  assert(held);
  assertEquals(b.tryAcquire(), undefined);
  held[Symbol.dispose]();
  assertEquals(b.readNote(), "");
});
