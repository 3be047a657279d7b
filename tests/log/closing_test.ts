import { assertEquals } from "@std/assert";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { event, TestFolder } from "./support.ts";

/** A file system, and the files that are open through it. */
function counting(): {
  readonly fileSystem: FileSystem;
  readonly open: Set<object>;
} {
  const open = new Set<object>();
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    open(path, options) {
      const file = denoFileSystem.open(path, options);
      const close = file.close.bind(file);
      open.add(file);
      file.close = file[Symbol.dispose] = () => {
        open.delete(file);
        close();
      };
      return file;
    },
  };
  return { fileSystem, open };
}

Deno.test("closing a store while it waits to read what others append leaves no file open", async () => {
  for (const readOnly of [false, true]) {
    await using folder = new TestFolder();
    await folder.with((store) => store.append([event("A")]));
    await using writer = await folder.open();
    const { fileSystem, open } = counting();
    const store = await folder.open({ readOnly, fileSystem });
    const isExclusive = true;
    const lock = Deno.openSync(`${folder.path}/lock`, { write: true });
    await writer.append([event("B")]);
    await lock.lock(isExclusive);
    const reading = store.head();
    await store[Symbol.asyncDispose]();
    await reading.catch(() => {});
    lock.close();
    assertEquals(open.size, 0, `readOnly: ${readOnly}`);
  }
});
