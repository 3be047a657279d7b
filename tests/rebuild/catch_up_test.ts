import { assert, assertEquals } from "@std/assert";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import type { Rebuilder } from "../../mod.ts";
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

/** How far a rebuild lagged behind when it took the lock that keeps live updates out. */
async function lagAtSwap(
  appendedPerBatch: number,
  pauseAt?: number,
): Promise<number> {
  using dir = new TempDir();
  const events = new WatchedEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    { batchSize: 10, enableAutoRebuild: false },
    events,
  );
  const { rebuilder } = opossum;
  await events.append(counts(1_000));
  let atSwap: number | undefined;
  let scanned = 0;
  events.onBatch = async ({ events: { length } }) => {
    scanned += length;
    const phase = await phaseOf(rebuilder);
    // What comes while it scans it has to catch up with.
    if (phase === "scanning") await events.append(counts(10));
    if (phase === "catchingUp") await events.append(counts(appendedPerBatch));
    if (phase === "swapping") atSwap ??= await events.head() - scanned + length;
    if (phase === "catchingUp" && pauseAt && scanned >= pauseAt) {
      pauseAt = undefined;
      const [operation] = await rebuilder.listOperations();
      await rebuilder.pause(operation?.id ?? "");
      await events.append(counts(5_000));
      queueMicrotask(() => void rebuilder.resume(operation?.id ?? ""));
    }
  };
  const result = await rebuilder.rebuild("One");
  assert(result.success, JSON.stringify(result.details));
  return atSwap ?? 0;
}

async function phaseOf(rebuilder: Rebuilder): Promise<string | undefined> {
  const [operation] = await rebuilder.listOperations();
  return operation?.progress[0]?.phase;
}

Deno.test("live updates are kept out for a short while only, although much is appended", async () => {
  for (const appended of [1, 3, 6, 8]) {
    const lag = await lagAtSwap(appended);
    assert(lag <= 50, `${lag} events with ${appended} appended a batch`);
  }
});

Deno.test("what is appended during a pause is caught up with before live updates are kept out", async () => {
  const lag = await lagAtSwap(1, 1_200);
  assert(lag <= 50, `${lag} events`);
});

/** A log that tells when somebody asks where it ends. */
class AskedEventStore extends WatchedEventStore {
  onHead: () => void | Promise<void> = () => {};

  override async head(): Promise<number> {
    const head = await super.head();
    await this.onHead();
    return head;
  }
}

Deno.test("a rebuild that is cancelled right before its swap swaps nothing in", async () => {
  using dir = new TempDir();
  const events = new AskedEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [countingProjection("One")],
    { batchSize: BATCH_SIZE, enableAutoRebuild: false },
    events,
  );
  const { rebuilder, projections } = opossum;
  await events.append(counts(20));
  let isCancelled = false;
  events.onHead = async () => {
    if (isCancelled || await phaseOf(rebuilder) !== "swapping") return;
    isCancelled = true;
    const [operation] = await rebuilder.listOperations();
    // It ends only when this rebuild does.
    void rebuilder.cancel(operation?.id ?? "");
  };
  const { success, details } = await rebuilder.rebuild("One");
  assertEquals([isCancelled, success], [true, false]);
  assertEquals(details[0]?.state, "cancelled");
  assertEquals((await projections.info("One")).generation, null);
});
