import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
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
