import { assert, assertEquals } from "@std/assert";
import type { FileSystem } from "../../src/storage/file_system.ts";
import { event, TestFolder, unsynced } from "./support.ts";

Deno.test("reading backwards takes large appends into memory a few at a time, also when nothing matched for long", async () => {
  let bytesRead = 0;
  const fileSystem: FileSystem = {
    ...unsynced,
    open(path, options) {
      const file = unsynced.open(path, options);
      const readAt = file.readAt.bind(file);
      file.readAt = (buffer, offset) => {
        const read = readAt(buffer, offset);
        bytesRead += read;
        return read;
      };
      return file;
    },
  };
  await using folder = new TestFolder();
  await using store = await folder.open({ fileSystem });
  const data = { text: "x".repeat(1_000_000) };
  for (let n = 0; n < 60; n++) await store.append([{ type: "Large", data }]);
  for (let n = 0; n < 128; n++) await store.append([event("Small")]);
  bytesRead = 0;
  const query = { items: [{ types: ["Large"] }] };
  for await (
    const { position } of store.read(query, { backwards: true, limit: 50 })
  ) {
    assertEquals(position, 60);
    break;
  }
  assert(bytesRead < 16_000_000, `${bytesRead} bytes for one event`);
});
