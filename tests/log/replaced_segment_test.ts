import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { systemClock } from "../../src/events/clock.ts";
import { AppendOutcomeUnknownError } from "../../src/log/errors.ts";
import { examineLog } from "../../src/log/examine_log.ts";
import { denoFileSystem } from "../../src/storage/deno_file_system.ts";
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

Deno.test("append() goes on in a segment that its folder only links to, and verify reads it whole", async () => {
  await using folder = new TestFolder();
  await folder.with((store) => store.append([event("A")]));
  const segment = folder.segment(0);
  Deno.renameSync(segment, `${folder.path}/elsewhere`);
  Deno.symlinkSync(`${folder.path}/elsewhere`, segment);
  await folder.with(async (store) => {
    await store.append([event("B")]);
    assertEquals(await positions(store), [1, 2]);
  });
  const { refusal, report, torn } = await examineLog({
    path: folder.path,
    fileSystem: denoFileSystem,
    clock: systemClock,
  });
  assertEquals([refusal, torn, report.ok], [undefined, undefined, true]);
});
