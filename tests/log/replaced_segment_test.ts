import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { AppendOutcomeUnknownError } from "../../src/log/errors.ts";
import { event, positions, TestFolder } from "./support.ts";

Deno.test("append() tells nobody that events are stored in a segment that was replaced, as by a backup", async () => {
  await using folder = new TestFolder();
  await using store = await folder.open();
  await store.append([event("A")]);
  const segment = folder.segment(0);
  Deno.copyFileSync(segment, `${folder.path}/backup`);
  Deno.renameSync(`${folder.path}/backup`, segment);
  await assertRejects(
    () => store.append([event("B")]),
    AppendOutcomeUnknownError,
    "Something else wrote to the log",
  );
  assertInstanceOf(store.readOnlyCause, AppendOutcomeUnknownError);
  await folder.with(async (again) => {
    assertEquals(await positions(again), [1]);
    await again.append([event("C")]);
    assertEquals(await positions(again), [1, 2]);
  });
});
