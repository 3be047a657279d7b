import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { AppendConditionError } from "../../src/events/append_condition.ts";
import {
  beginIndexFile,
  openIndexFile,
  removeIndexFile,
} from "../../src/log/index_file.ts";
import { IndexBusyError } from "../../src/log/index_mismatch.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
import { event, MemoryLogger, TestFolder } from "./support.ts";

Deno.test("openFileEventStore() leaves an index alone that another process is writing to", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const file = `${folder.path}/index.sqlite`;
  const { ino } = Deno.statSync(file);
  using other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  const logger = new MemoryLogger();
  {
    await using store = await folder.open({ logger });
    assertEquals(await store.head(), 1);
    other.exec("ROLLBACK");
  }
  assertEquals(Deno.statSync(file).ino, ino);
});

Deno.test("the index file is neither opened nor deleted while another process does so", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const { path } = folder;
  const file = `${path}/index.sqlite`;
  const { ino } = Deno.statSync(file);
  const options = { fileSystem: denoFileSystem, path, storeId: "" };
  using other = denoFileSystem.open(`${path}/store.json`, { mode: "read" });
  assert(other.tryLock());
  assertThrows(() => openIndexFile(options), IndexBusyError);
  assertThrows(() => beginIndexFile(options), IndexBusyError);
  assertThrows(() => removeIndexFile(options), IndexBusyError);
  await folder.with(async (store) => {
    const condition = { failIfEventsMatch: { items: [{ types: ["A"] }] } };
    await assertRejects(
      () => store.append([event("B")], { condition }),
      AppendConditionError,
    );
  });
  assertEquals(Deno.statSync(file).ino, ino);
});

Deno.test("openFileEventStore() waits for an index that another process is closing, and never deletes it for that", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const file = `${folder.path}/index.sqlite`;
  const { ino } = Deno.statSync(file);
  using other = new DatabaseSync(file);
  // What whoever closes it last does while it moves its log into the file.
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
  const logger = new MemoryLogger();
  await using store = await folder.open({ logger });
  assertEquals((await store.readLast("all"))?.position, 1);
  assertEquals(Deno.statSync(file).ino, ino);
  assertEquals(logger.messages("warn"), []);
});

Deno.test("closing a store leaves an index alone that another process is writing to", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const file = `${folder.path}/index.sqlite`;
  const { ino } = Deno.statSync(file);
  using other = new DatabaseSync(file);
  const logger = new MemoryLogger();
  {
    await using store = await folder.open({ logger });
    await store.append([event("B")]);
    other.exec("BEGIN IMMEDIATE");
  }
  assertEquals(logger.messages("warn"), []);
  assertEquals(Deno.statSync(file).ino, ino);
});
