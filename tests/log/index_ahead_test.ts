import { assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { event, TestFolder } from "./support.ts";

function indexed({ path }: TestFolder): number[] {
  using database = new DatabaseSync(`${path}/index.sqlite`);
  return database.prepare("SELECT position FROM typed ORDER BY position").all()
    .map(({ position }) => Number(position));
}

Deno.test("closing writes nothing to the index of which is not known whether it is durable", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  assertEquals(indexed(folder), [1]);
  await using writer = await folder.open();
  const fileSystem = new FaultyFileSystem();
  {
    await using other = await folder.open({ fileSystem });
    await writer.append([event("A")]);
    // It reads what the other one appended, and cannot make it durable.
    fileSystem.inject({
      kind: "sync",
      path: "/events/",
      code: "EIO",
      times: Infinity,
    });
    await assertRejects(() => other.append([event("A")]));
    assertEquals(await other.head(), 1);
  }
  // A power cut may take it back, and an index that knows of more refuses the log.
  assertEquals(indexed(folder), [1]);
});
