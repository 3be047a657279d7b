import { assert, assertEquals } from "@std/assert";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

const BATCH_SIZE = 2;

Deno.test("a rebuild ends although as much is appended as it catches up with", async () => {
  using dir = new TempDir();
  const events = new WatchedEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    { batchSize: BATCH_SIZE },
    events,
  );
  await events.append(counts(20));
  events.onBatch = async () => {
    await events.append(counts(BATCH_SIZE));
  };
  const { success, details } = await opossum.rebuilder.rebuild("One");
  assert(success);
  const checkpoint = details[0]?.checkpoint ?? 0;
  assert(checkpoint >= 40);
  // What is served is what was there up to then.
  let sum = 0;
  for await (const { position, data } of events.read("all")) {
    if (position <= checkpoint) sum += (data as { by: number }).by;
  }
  const { documents } = await opossum.projections.list<{ sum: number }>("One");
  assertEquals(
    documents.reduce((total, { state }) => total + state.sum, 0),
    sum,
  );
});
