import { assertEquals, assertRejects } from "@std/assert";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { event, positions, TestFolder } from "./support.ts";

/*
 * What is found in the files may live in memory alone: its writer may have died before it synced.
 * Nobody may rely on it, neither a reader nor a checkpoint, before it is durable.
 */

Deno.test("openFileEventStore() refuses to serve what it cannot make durable, and nothing is lost by that", async () => {
  for (const kind of ["sync", "syncDirectory"] as const) {
    await using folder = new TestFolder();
    await folder.with((store) => store.append([event("A")]));
    const fileSystem = new FaultyFileSystem();
    const path = kind === "sync" ? ".ndjson" : "/events";
    fileSystem.inject({ kind, path, code: "EIO" });
    await assertRejects(() => folder.open({ fileSystem }), Error);
    fileSystem.heal();
    await using store = await folder.open({ fileSystem });
    assertEquals(await positions(store), [1]);
  }
});
