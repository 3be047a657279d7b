/**
 * What the feed of changes looks at: one thing that cannot be told hides nothing else, and what
 * was told is looked at until it is over.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { EventFeed, type FeedEvent } from "../../api/event_feed.ts";
import type { Subscription } from "../../api/event_subscription.ts";
import { FakeOpossum } from "./fake_opossum.ts";

/** All that waits to be sent, in short. */
async function take(subscription: Subscription): Promise<string[]> {
  const told: string[] = [];
  while (subscription.waiting > 0) {
    const { type, data } = await subscription.next() as FeedEvent;
    const value = JSON.parse(data);
    told.push(
      type === "operation"
        ? `${value.state} ${value.resumedBy ?? ""}`.trim()
        : `${value.name}@${value.checkpoint}`,
    );
  }
  return told;
}

function setUp(...names: string[]) {
  const opossum = new FakeOpossum(...names);
  opossum.endAtOnce = undefined;
  const feed = new EventFeed(opossum);
  const watch = async () => {
    const subscription = await feed.subscribe({});
    if (!subscription) throw new Error("Nothing to watch");
    return subscription;
  };
  const look = async () => {
    await opossum.clock.whenSleeping(1);
    await opossum.clock.advance(1_000);
  };
  return { opossum, watch, look };
}

Deno.test("a projection that cannot be looked at hides neither the others nor operations", async () => {
  const { opossum, watch, look } = setUp("A", "B", "C");
  const { projections, rebuilder, logs } = opossum;
  const { id } = await rebuilder.start(undefined);
  const info = projections.info.bind(projections);
  projections.info = (name) =>
    name === "B" ? Promise.reject(new Error("Unreadable")) : info(name);
  const subscription = await watch();
  assertEquals(await take(subscription), ["running", "A@10", "C@10"]);
  opossum.checkpoints.set("C", 11);
  opossum.change(id, { note: "Changed" });
  await look();
  assertEquals(await take(subscription), ["running", "C@11"]);
  // Said once.
  assertEquals(logs.map(({ message }) => message), [
    "A look for what changed failed",
  ]);
  const status = rebuilder.getRebuildStatus;
  rebuilder.getRebuildStatus = () => Promise.reject(new Error("Unreadable"));
  projections.info = info;
  opossum.change(id, { note: "Changed again" });
  await look();
  assertEquals(await take(subscription), ["running", "B@10"]);
  rebuilder.getRebuildStatus = status;
  await look();
  opossum.statusError = new Error("Unreadable again");
  await look();
  assertEquals(logs.length, 2);
  subscription.end();
});

Deno.test("what was told of an operation is looked at until it is over, also for those who watch everything", async () => {
  const { opossum, watch, look } = setUp();
  const { rebuilder } = opossum;
  const { id } = await rebuilder.start(undefined);
  const subscription = await watch();
  opossum.end(id, "interrupted");
  await take(subscription);
  // By a window that opens, or by another process: nobody tells.
  opossum.change(id, { resumedBy: "another" });
  await look();
  assertEquals(await take(subscription), ["interrupted another"]);
  // Neither who comes later, nor the memory, has to do with it any more.
  const later = await watch();
  assertEquals(await take(later), []);
  const forgotten = await rebuilder.start(undefined);
  await look();
  assertEquals(await take(later), ["running"]);
  const getOperation = rebuilder.getOperation.bind(rebuilder);
  rebuilder.getOperation = (asked) =>
    asked === forgotten.id ? Promise.resolve(undefined) : getOperation(asked);
  await look();
  assertEquals(await take(await watch()), []);
  subscription.end();
  later.end();
});
