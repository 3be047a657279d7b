import { assert, assertEquals } from "@std/assert";
import { createAdminRouter, createApp, serveApp } from "../../api/mod.ts";
import { Subscription } from "../../api/event_subscription.ts";
import type { FeedEvent } from "../../api/event_feed.ts";
import { Info, Operation } from "../../api/schemas.ts";
import { openOpossum, silentLogger, StoreClosedError } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, assertProblem, TOKEN } from "./requests.ts";
import { EventReader, type SentEvent } from "./sse.ts";

const UNKNOWN_ID = "0".repeat(32);

function setUp(...names: string[]) {
  const opossum = new FakeOpossum(...names);
  opossum.endAtOnce = undefined;
  const app = createAdminRouter({ opossum, auth: { tokens: [TOKEN] } });
  const watch = async (path: string, lastEventId?: number | string) => {
    const response = await ask(app, "GET", path, {
      headers: lastEventId === undefined
        ? {}
        : { "last-event-id": String(lastEventId) },
    });
    assertEquals(response.status, 200);
    return new EventReader(response);
  };
  return { app, opossum, watch };
}

const nameOf = ({ event, data }: SentEvent) =>
  event === "operation" ? data.state : `${data.name}@${data.checkpoint}`;

Deno.test("GET events tells how things stand, then what changed", async () => {
  const { opossum, watch } = setUp("A", "B");
  const { id } = await opossum.rebuilder.start(undefined);
  await using reader = await watch("/admin/events");
  const first = await reader.take(3);
  assertEquals(first.map(nameOf), ["running", "A@10", "B@10"]);
  assertEquals(reader.others, ["retry: 2000"]);
  assertEquals(first[0]?.data, Operation.parse(first[0]?.data));
  assertEquals(first[1]?.data, Info.parse(first[1]?.data));

  opossum.checkpoints.set("B", 11);
  opossum.change(id, { note: "Changed" });
  await opossum.clock.whenSleeping(2);
  await opossum.clock.advance(1_000);
  assertEquals((await reader.take(2)).map(nameOf), ["running", "B@11"]);
  // At once, without a look.
  await opossum.rebuilder.pause(id);
  opossum.end(id, "succeeded");
  const last = await reader.take(1);
  assert(last.map(nameOf).join().match(/paused|succeeded/));
  const ids = [...first, ...last].map((event) => event.id);
  assertEquals(ids, ids.toSorted((a, b) => a - b));
});

Deno.test("GET events of an operation tells of it alone, and ends with its end", async () => {
  const { opossum, watch } = setUp("A");
  const { id } = await opossum.rebuilder.start(undefined);
  await opossum.rebuilder.start(undefined);
  await using reader = await watch(`/admin/operations/${id}/events`);
  assertEquals((await reader.take(1))[0]?.data.id, id);
  opossum.end(id, "failed");
  const [last, ...more] = await reader.take(9);
  assertEquals([last?.data.id, last?.data.state, more], [id, "failed", []]);
});

Deno.test("GET events of an ended operation tells its end once, then 204", async () => {
  const { app, opossum, watch } = setUp("A");
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "cancelled");
  const path = `/admin/operations/${id}/events`;
  const [event, ...more] = await (await watch(path)).take(9);
  assertEquals([event?.data.state, more], ["cancelled", []]);
  const headers = { "last-event-id": String(event?.id) };
  assertEquals((await ask(app, "GET", path, { headers })).status, 204);
  await assertProblem(
    await ask(app, "GET", `/admin/operations/${UNKNOWN_ID}/events`),
    404,
    "unknown-operation",
  );
});

Deno.test("GET events of an interrupted operation goes on until it says who continued it", async () => {
  const { opossum, watch } = setUp("A");
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "interrupted");
  await using reader = await watch(`/admin/operations/${id}/events`);
  assertEquals((await reader.take(1)).map(nameOf), ["interrupted"]);
  opossum.change(id, { resumedBy: UNKNOWN_ID });
  await opossum.clock.whenSleeping(2);
  await opossum.clock.advance(1_000);
  const [last, ...more] = await reader.take(9);
  assertEquals([last?.data.resumedBy, more], [UNKNOWN_ID, []]);
});

Deno.test("Last-Event-ID makes up for what was missed, or tells how things stand", async () => {
  const { opossum, watch } = setUp("A", "B");
  let lastId = 0;
  {
    await using reader = await watch("/admin/events");
    const events = await reader.take(2);
    assertEquals(events.map(nameOf), ["A@10", "B@10"]);
    lastId = events[1]?.id ?? 0;
  }
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "succeeded");
  opossum.checkpoints.set("A", 12);
  {
    await using reader = await watch("/admin/events", lastId);
    assertEquals((await reader.take(2)).map(nameOf), ["succeeded", "A@12"]);
  }
  // Of another server, too long ago, or no id at all.
  for (const unknown of [lastId * 2, 1, "banana", "-1", "9".repeat(30)]) {
    await using reader = await watch("/admin/events", unknown);
    assertEquals((await reader.take(2)).map(nameOf), ["B@10", "A@12"]);
  }
});

Deno.test("Last-Event-ID is made up for from 1,000 events or 4 MiB of them, and no more", async () => {
  const started = async (count: number, note = "") => {
    const { opossum, watch } = setUp("A");
    let lastId = 0;
    {
      await using reader = await watch("/admin/events");
      lastId = (await reader.take(1))[0]?.id ?? 0;
    }
    for (let left = count; left > 0; left--) {
      await opossum.rebuilder.start(undefined, { note });
    }
    await using reader = await watch("/admin/events", lastId);
    return (await reader.take(1)).map(nameOf);
  };
  assertEquals(await started(1_000), ["running"]);
  assertEquals(await started(1_001), ["A@10"]);
  const quarter = "x".repeat(2 ** 20);
  assertEquals(await started(3, quarter), ["running"]);
  assertEquals(await started(4, quarter), ["A@10"]);
});

Deno.test("who asks for an operation while somebody else is told how things stand is told of it at once", async () => {
  const { opossum, watch } = setUp("A");
  const { id } = await opossum.rebuilder.start(undefined);
  opossum.end(id, "interrupted");
  const { getRebuildStatus } = opossum.rebuilder;
  const looking = Promise.withResolvers<void>();
  opossum.rebuilder.getRebuildStatus = async () => {
    await looking.promise;
    return await getRebuildStatus();
  };
  const watching = Promise.all([
    watch("/admin/events"),
    watch(`/admin/operations/${id}/events`),
  ]);
  await opossum.clock.advance(0);
  looking.resolve();
  const [all, one] = await watching;
  await using _all = all;
  await using _one = one;
  await opossum.clock.whenSleeping(2);
  assertEquals((await one.take(1)).map(nameOf), ["interrupted"]);
  assertEquals(opossum.clock.monotonicMs(), 0);
});

Deno.test("who asks for an operation just when it ends is told so by the next look", async () => {
  const { opossum, watch } = setUp("A");
  const { id } = await opossum.rebuilder.start(undefined);
  const { getOperation } = opossum.rebuilder;
  let looks = 0;
  opossum.rebuilder.getOperation = async (asked) => {
    const found = await getOperation(asked);
    // First the route looks for it, then the feed, to tell everybody, and then for this reader.
    if (++looks === 3) opossum.end(id, "succeeded");
    return found;
  };
  await using reader = await watch(`/admin/operations/${id}/events`);
  await opossum.clock.whenSleeping(2);
  await opossum.clock.advance(1_000);
  const events = await reader.take(9);
  assertEquals(events.map(nameOf).at(-1), "succeeded");
  assertEquals(looks, 4);
});

Deno.test("GET events sends a comment when nothing happens, and stops looking when all have gone", async () => {
  const { opossum, watch } = setUp("A");
  {
    await using reader = await watch("/admin/events");
    assertEquals((await reader.take(1)).map(nameOf), ["A@10"]);
    assertEquals(await reader.comment(), "retry: 2000");
    await opossum.clock.whenSleeping(2);
    await opossum.clock.advance(15_000);
    assertEquals(await reader.comment(), ": still here");
  }
  await opossum.clock.advance(0);
  assertEquals(opossum.clock.sleeping, 0);
});

Deno.test("GET events has the headers of a stream, HEAD no body, and a bound on clients", async () => {
  const { app, opossum } = setUp("A");
  const readers: EventReader[] = [];
  for (let count = 0; count < 100; count++) {
    const response = await ask(app, "GET", "/admin/events");
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(response.headers.get("connection"), null);
    readers.push(new EventReader(response));
  }
  const refused = await ask(app, "GET", "/admin/events");
  assertEquals(refused.headers.get("retry-after"), "10");
  await assertProblem(refused, 503, "too-many-streams");
  for (const reader of readers) await reader[Symbol.asyncDispose]();
  const head = await ask(app, "HEAD", "/admin/events");
  assertEquals([head.status, await head.text()], [200, ""]);
  await opossum.clock.advance(0);
  assertEquals(opossum.clock.sleeping, 0);
  await assertProblem(await app.request("/admin/events"), 401, "unauthorized");
});

Deno.test("a look that fails is made up for by the next; a store that closed ends the streams", async () => {
  const { opossum, watch } = setUp("A");
  await using reader = await watch("/admin/events");
  await reader.take(1);
  opossum.statusError = new Error("Out of the blue");
  await opossum.clock.whenSleeping(2);
  await opossum.clock.advance(3_000);
  assertEquals(opossum.logs.length, 1);
  opossum.statusError = undefined;
  opossum.checkpoints.set("A", 11);
  await opossum.clock.advance(1_000);
  assertEquals((await reader.take(1)).map(nameOf), ["A@11"]);
  opossum.statusError = new StoreClosedError("read");
  await opossum.clock.whenSleeping(2);
  await opossum.clock.advance(1_000);
  assertEquals(await reader.next(), undefined);
});

Deno.test("a client that does not read costs one event a key, whatever happens", async () => {
  const clock = new FakeClock();
  let id = 0;
  const event = (key: string): FeedEvent => ({
    id: ++id,
    type: "operation",
    key,
    data: `${id}`,
  });
  let ended = 0;
  const subscription = new Subscription({
    clock,
    operationId: undefined,
    key: undefined,
    present: () => [event("present")],
    onEnd: () => ended++,
  });
  for (let count = 0; count < 10_000; count++) {
    subscription.offer(event(`operation:${count % 7}`));
  }
  assertEquals(subscription.waiting, 7);
  const first = await subscription.next();
  assert(typeof first === "object" && first.id === 10_000 - 6);
  for (let count = 0; count < 2_100; count++) {
    subscription.offer(event(`other:${count}`));
  }
  assert(subscription.waiting <= 2_000);
  subscription.end();
  subscription.end();
  assertEquals(ended, 1);
  subscription.offer(event("late"));
  let last = 0;
  for (let next = await subscription.next(); next;) {
    assert(typeof next === "object" && next.id > last);
    last = next.id;
    next = await subscription.next();
  }
});

Deno.test("a server that stops ends its streams at once, and a client that goes is noticed", async () => {
  const opossum = new FakeOpossum("A");
  const auth = { tokens: [TOKEN] };
  const server = serveApp({
    app: createApp({ opossum, auth }),
    auth,
    port: 0,
    logger: silentLogger,
    drainTimeoutMs: 3_600_000,
  });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const open = async (signal: AbortSignal | null = null) =>
    new EventReader(
      await fetch(`${server.url}/admin/events`, { headers, signal }),
    );
  const leaving = new AbortController();
  const going = await open(leaving.signal);
  await going.take(1);
  await opossum.clock.whenSleeping(2);
  leaving.abort();
  // Whatever is sent next finds nobody.
  while (opossum.clock.sleeping > 0) {
    await fetch(`${server.url}/healthz`).then((each) => each.body?.cancel());
    await opossum.clock.advance(15_000);
  }
  const staying = await open();
  await staying.take(1);
  await server.shutdown();
  assertEquals(await staying.next(), undefined);
  await opossum.clock.advance(0);
  assertEquals(opossum.clock.sleeping, 0);
});

Deno.test("events tell of a rebuild in a worker, from its beginning to its end", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.path,
    projections: import.meta.resolve(
      "../rebuild/worker_fixtures/counting.ts",
    ),
    enableAutoRebuild: false,
    logger: silentLogger,
  });
  for (let block = 0; block < 25; block++) {
    await opossum.events.append(
      Array.from({ length: 1_000 }, (_, index) => ({
        type: "Counted",
        data: { key: `${index % 50}`, other: "x", n: 1 },
      })),
    );
  }
  const auth = { tokens: [TOKEN] };
  await using server = serveApp({
    app: createApp({ opossum, auth }),
    auth,
    port: 0,
    logger: silentLogger,
  });
  const headers = { authorization: `Bearer ${TOKEN}`, prefer: "respond-async" };
  await using all = new EventReader(
    await fetch(`${server.url}/admin/events`, { headers }),
  );
  const started = await fetch(`${server.url}/admin/projections/Sums/rebuild`, {
    method: "POST",
    headers,
  });
  const { id } = await started.json();
  const one = new EventReader(
    await fetch(`${server.url}/admin/operations/${id}/events`, { headers }),
  );
  const states: string[] = [];
  for (let event = await one.next(); event; event = await one.next()) {
    states.push(event.data.state);
    assertEquals(event.data, Operation.parse(event.data));
  }
  assertEquals(states.at(-1), "succeeded");
  let last: SentEvent | undefined;
  do last = await all.next(); while (
    last && !(last.event === "operation" && last.data.result)
  );
  assertEquals(last?.data.id, id);
  assertEquals(last?.data.progress[0].runsIn, "worker");
  // The new documents are told with the next look.
  do last = await all.next(); while (last && last.data.state !== "ready");
  assertEquals([last?.data.name, last?.data.documents], ["Sums", 50]);
});
