/**
 * Orders to one operation that another one feels: they share builds, or a pass over the log.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("cancelling the operation that held a queued build up lets it go on for another one", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const definitions = [countingProjection("One")];
  let id = "";
  {
    await using before = openOverMemory(dir.path, definitions, {}, log);
    ({ id } = await before.rebuilder.start(["One"]));
    await before.rebuilder.pause(id);
  }
  await using opossum = openOverMemory(dir.path, definitions, {}, log);
  const { rebuilder } = opossum;
  await rebuilder.resumeInterrupted();
  const joined = await rebuilder.start(["One"]);
  assertEquals(joined.state, "paused");
  assert(await rebuilder.cancel(id));
  assert((await rebuilder.wait(joined.id))?.success);
});

Deno.test("what is cancelled ends though what shares its pass is paused", async () => {
  using dir = new TempDir();
  const log = new MemoryEventStore();
  await log.append(counts(10));
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let onHead = () => Promise.resolve();
  const head = log.head.bind(log);
  log.head = async () => {
    await onHead();
    return await head();
  };
  const definitions = ["One", "Two"].map((name) => countingProjection(name));
  await using opossum = openOverMemory(dir.path, definitions, {}, log);
  const { rebuilder } = opossum;
  const both = await rebuilder.start(["One", "Two"]);
  // Its builds have begun, and wait here.
  onHead = async () => {
    reached.resolve();
    await goOn.promise;
  };
  await reached.promise;
  onHead = () => Promise.resolve();
  const shared = await rebuilder.start(["Two"]);
  await rebuilder.pause(shared.id);
  goOn.resolve();
  assert(await rebuilder.cancel(both.id));
  const ended = await rebuilder.getOperation(both.id);
  assertEquals(ended?.state, "cancelled");
  assertEquals((await rebuilder.getOperation(shared.id))?.state, "paused");
  await rebuilder.resume(shared.id);
  assert((await rebuilder.wait(shared.id))?.success);
  assertEquals((await opossum.projections.info("Two")).checkpoint, 10);
  assertEquals((await opossum.projections.info("One")).generation, null);
});
