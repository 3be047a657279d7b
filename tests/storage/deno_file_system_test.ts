import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { TempDir } from "../support/temp_dir.ts";

const BYTES = new TextEncoder().encode("0123456789");

Deno.test("FileHandle.append() writes at the end, whatever was read before", () => {
  using dir = new TempDir();
  using file = denoFileSystem.open(dir.file("a"), { mode: "append" });
  assertEquals(file.append(BYTES), 10);
  const buffer = new Uint8Array(4);
  assertEquals(file.readAt(buffer, 2), 4);
  assertEquals(new TextDecoder().decode(buffer), "2345");
  file.append(BYTES.subarray(0, 3));
  assertEquals(Deno.readTextFileSync(dir.file("a")), "0123456789012");
  assertEquals(file.stat().size, 13);
});

Deno.test("FileHandle.readAt() reads 0 bytes at and past the end", () => {
  using dir = new TempDir();
  using file = denoFileSystem.open(dir.file("a"), { mode: "append" });
  file.append(BYTES);
  assertEquals(file.readAt(new Uint8Array(4), 8), 2);
  assertEquals(file.readAt(new Uint8Array(4), 10), 0);
  assertEquals(file.readAt(new Uint8Array(4), 99), 0);
});

Deno.test("FileHandle.truncate() cuts the file, and appends go on from there", async () => {
  using dir = new TempDir();
  using file = denoFileSystem.open(dir.file("a"), { mode: "append" });
  file.append(BYTES);
  file.truncate(4);
  file.append(BYTES.subarray(9));
  await file.sync();
  assertEquals(Deno.readTextFileSync(dir.file("a")), "01239");
});

Deno.test("FileHandle.close() can be called twice", () => {
  using dir = new TempDir();
  using file = denoFileSystem.open(dir.file("a"), { mode: "append" });
  file.close();
  file.close();
});

Deno.test("open() keeps to its mode", () => {
  using dir = new TempDir();
  const path = dir.file("a");
  assertThrows(
    () => denoFileSystem.open(path, { mode: "read" }),
    Deno.errors.NotFound,
  );
  denoFileSystem.open(path, { mode: "createNew" }).close();
  assertThrows(
    () => denoFileSystem.open(path, { mode: "createNew" }),
    Deno.errors.AlreadyExists,
  );
  using reader = denoFileSystem.open(path, { mode: "read" });
  assertThrows(() => reader.append(BYTES));
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
});

Deno.test("makeDirectory() creates private folders and their parents, and does not mind existing ones", () => {
  using dir = new TempDir();
  const path = dir.file("a/b");
  denoFileSystem.makeDirectory(path);
  denoFileSystem.makeDirectory(path);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o700);
});

Deno.test("list() sorts names, and knows no names in a missing folder", () => {
  using dir = new TempDir();
  for (const name of ["b", "a", "C"]) {
    Deno.writeTextFileSync(dir.file(name), "");
  }
  assertEquals(denoFileSystem.list(dir.path), ["C", "a", "b"]);
  assertEquals(denoFileSystem.list(dir.file("missing")), []);
});

Deno.test("stat() tells files of the same name apart, and does not follow links", async () => {
  using dir = new TempDir();
  const path = dir.file("a");
  assertEquals(denoFileSystem.stat(path), undefined);
  Deno.writeTextFileSync(path, "one");
  const first = denoFileSystem.stat(path);
  Deno.writeTextFileSync(dir.file("b"), "other");
  denoFileSystem.rename(dir.file("b"), path);
  await denoFileSystem.syncDirectory(dir.path);
  const second = denoFileSystem.stat(path);
  assertEquals([first?.size, second?.size], [3, 5]);
  assertNotEquals(first?.identity, second?.identity);
  Deno.symlinkSync(path, dir.file("link"));
  assertNotEquals(
    denoFileSystem.stat(dir.file("link"))?.identity,
    second?.identity,
  );
});

Deno.test("exists() knows files and folders, and nothing else", () => {
  using dir = new TempDir();
  const paths = [".", "a", "missing/a"].map((name) => dir.file(name));
  const exist = () => paths.filter((path) => denoFileSystem.exists(path));
  assertEquals(exist(), [dir.file(".")]);
  Deno.writeTextFileSync(dir.file("a"), "");
  assertEquals(exist(), [dir.file("."), dir.file("a")]);
});

Deno.test("remove() deletes a file, and does not mind a missing one", () => {
  using dir = new TempDir();
  Deno.writeTextFileSync(dir.file("a"), "");
  denoFileSystem.remove(dir.file("a"));
  denoFileSystem.remove(dir.file("a"));
  assertEquals(dir.list(), []);
});

/** Keeps a list of the calls of a method of files until it is disposed; they are made. */
function watch(
  method: "sync" | "syncData" | "writeSync",
): Disposable & { readonly calls: unknown[] } {
  const { prototype } = Deno.FsFile;
  const original = prototype[method] as (...args: unknown[]) => unknown;
  const calls: unknown[] = [];
  const watched = function (this: Deno.FsFile, ...args: unknown[]) {
    calls.push(
      args[0] instanceof Uint8Array ? args[0].length : this.statSync().ino,
    );
    return original.apply(this, args);
  };
  Object.assign(prototype, { [method]: watched });
  return {
    calls,
    [Symbol.dispose]: () =>
      void Object.assign(prototype, { [method]: original }),
  };
}

Deno.test("sync(), syncDirectory() and rewrite() ask the system for it: all that is promised rests on that", async () => {
  using dir = new TempDir();
  const path = dir.file("a");
  using file = denoFileSystem.open(path, { mode: "append" });
  file.append(BYTES);
  {
    using data = watch("syncData");
    await file.sync();
    assertEquals(data.calls, [Deno.statSync(path).ino]);
  }
  {
    using all = watch("sync");
    await denoFileSystem.syncDirectory(dir.path);
    assertEquals(all.calls, [Deno.statSync(dir.path).ino]);
  }
  using writes = watch("writeSync");
  denoFileSystem.rewrite?.(path, 4, BYTES.subarray(4));
  assertEquals(writes.calls, [6]);
  assertEquals(Deno.readTextFileSync(path), "0123456789");
});
