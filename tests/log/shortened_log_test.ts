import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  LogCorruptionError,
  StoreReadOnlyError,
} from "../../src/log/errors.ts";
import { event, positions, TestFolder } from "./support.ts";

Deno.test("append() refuses when the file became shorter than what was read from it, and changes nothing", async () => {
  for (const reader of ["append", "head"] as const) {
    await using folder = new TestFolder();
    await using store = await folder.open();
    await store.append([event("A")]);
    const path = folder.segment(0);
    const { size } = Deno.statSync(path);
    await store.append([event("B")]);
    for (const left of [size, size + 10]) {
      Deno.truncateSync(path, left);
      if (reader === "head") await store.head();
      await assertRejects(
        () => store.append([event("C")]),
        StoreReadOnlyError,
      );
      const cause = store.readOnlyCause;
      assert(cause instanceof LogCorruptionError, `${cause}`);
      assertEquals(Deno.statSync(path).size, left);
      assertEquals(folder.names("quarantine"), []);
    }
    assertEquals(await positions(store, "all", { limit: 1 }), [1]);
  }
});
