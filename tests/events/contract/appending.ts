/** @module */
import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { collect, event, numbered, type OpenStore } from "./support.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Appending: positions, order, atomicity, identity, listeners, giving up. */
export function testAppending(name: string, open: OpenStore): void {
  Deno.test(`${name}: append() gives consecutive positions from 1`, async () => {
    await using opened = await open();
    const { store } = opened;
    assertEquals(await store.append(numbered(1)), { first: 1, last: 1 });
    assertEquals(await store.append(numbered(3)), { first: 2, last: 4 });
    assertEquals(await store.append(numbered(2)), { first: 5, last: 6 });
    const events = await collect(store.read("all"));
    assertEquals(events.map(({ position }) => position), [1, 2, 3, 4, 5, 6]);
    assertEquals(
      events.map(({ data }) => (data as { n: number }).n),
      [1, 1, 2, 3, 1, 2],
    );
  });

  Deno.test(`${name}: append() keeps the ids, timestamps, types, tags and data given`, async () => {
    await using opened = await open();
    const { store } = opened;
    const given = {
      type: "StudentRegistered",
      tags: ["studentId:1", "email:ada@example.com"],
      id: "0B0F4F3A-2c5e-4d5e-8f0a-1d2c3b4a5968",
      timestamp: "2019-02-28T23:59:59.1234567+05:30",
      data: { name: "Ada", marks: [1, 2.5, -3e-7], none: null, ok: true },
    };
    await store.append([given]);
    assertEquals(await collect(store.read("all")), [{ position: 1, ...given }]);
  });

  Deno.test(`${name}: append() keeps timestamps as other stores write them`, async () => {
    await using opened = await open();
    const { store } = opened;
    const timestamps = [
      "2026-01-01T00:00:00Z",
      "2024-02-29T23:59:59.123456789+14:00",
      "2026-12-31T23:59:60Z",
      "2026-01-01T00:00:00",
      "2026-01-01T00:00:00.5+0530",
      "2026-01-01T00:00-03",
      "2026-01-31",
    ];
    await store.append(
      timestamps.map((timestamp) => ({ type: "A", data: {}, timestamp })),
    );
    const events = await collect(store.read("all"));
    assertEquals(events.map(({ timestamp }) => timestamp), timestamps);
  });

  Deno.test(`${name}: append() gives events an id and a timestamp of their own`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([{ type: "A", data: 1 }, { type: "A", data: 1 }]);
    const [first, second] = await collect(store.read("all"));
    assertMatch(first?.id ?? "", UUID);
    assertMatch(second?.id ?? "", UUID);
    assertNotEquals(first?.id, second?.id);
    const { timestamp = "" } = first ?? {};
    assertEquals(new Date(timestamp).toISOString(), timestamp);
    assertEquals(first?.tags, []);
  });

  Deno.test(`${name}: append() stores what it was given, whatever the caller changes later`, async () => {
    await using opened = await open();
    const { store } = opened;
    const data = { name: "Ada", list: [1] };
    const tags = ["t:1"];
    const events = [{ type: "A", tags, data }];
    const appending = store.append(events);
    data.name = "changed";
    data.list.push(2);
    tags[0] = "changed:1";
    events.push({ type: "B", tags, data });
    await appending;
    const [only, ...others] = await collect(store.read("all"));
    assertEquals(only?.data, { name: "Ada", list: [1] });
    assertEquals(only?.tags, ["t:1"]);
    assertEquals(others, []);
  });

  Deno.test(`${name}: append() called many times at once keeps every batch together, in the order of the calls`, async () => {
    await using opened = await open();
    const { store } = opened;
    const results = await Promise.all(
      Array.from(
        { length: 40 },
        (_, i) => store.append(numbered(1 + i % 3, `Batch${i}`)),
      ),
    );
    let next = 1;
    for (const [i, { first, last }] of results.entries()) {
      assertEquals([first, last], [next, next + i % 3]);
      next = last + 1;
    }
    const types = (await collect(store.read("all"))).map(({ type }) => type);
    assertEquals(
      types,
      results.flatMap(({ first, last }, i) =>
        Array.from({ length: last - first + 1 }, () => `Batch${i}`)
      ),
    );
  });

  Deno.test(`${name}: head() is the last position, 0 when empty`, async () => {
    await using opened = await open();
    const { store } = opened;
    assertEquals(await store.head(), 0);
    await store.append(numbered(3));
    assertEquals(await store.head(), 3);
  });

  Deno.test(`${name}: onAppend() tells every listener the new head until it is disposed`, async () => {
    await using opened = await open();
    const { store } = opened;
    const heads: number[] = [];
    const listener = (head: number) => void heads.push(head);
    const first = store.onAppend(listener);
    using _second = store.onAppend(listener);
    await store.append(numbered(2));
    assertEquals(heads, [2, 2]);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    await store.append(numbered(1));
    assertEquals(heads, [2, 2, 3]);
  });

  Deno.test(`${name}: onAppend() lets no failing listener disturb an append or another listener`, async () => {
    await using opened = await open();
    const { store } = opened;
    const heads: number[] = [];
    using _failing = store.onAppend(() => {
      throw new Error("The listener failed");
    });
    using _other = store.onAppend((head) => void heads.push(head));
    assertEquals(await store.append(numbered(1)), { first: 1, last: 1 });
    assertEquals(heads, [1]);
  });

  Deno.test(`${name}: onAppend() listeners hear nothing of a refused append`, async () => {
    await using opened = await open();
    const { store } = opened;
    const heads: number[] = [];
    using _listener = store.onAppend((head) => void heads.push(head));
    await assertRejects(() => store.append([]), RangeError);
    assertEquals(heads, []);
  });

  Deno.test(`${name}: append() with an aborted signal rejects with its reason and writes nothing`, async () => {
    await using opened = await open();
    const { store } = opened;
    const reason = new Error("No longer wanted");
    const signal = AbortSignal.abort(reason);
    const error = await assertRejects(
      () => store.append(numbered(1), { signal }),
      Error,
    );
    assertEquals(error, reason);
    assertEquals(await store.head(), 0);
    assertEquals(await store.append(numbered(1)), { first: 1, last: 1 });
  });

  Deno.test(`${name}: append() does not care for a signal aborted after it returned`, async () => {
    await using opened = await open();
    const { store } = opened;
    const controller = new AbortController();
    await store.append(numbered(1), { signal: controller.signal });
    controller.abort();
    assertEquals(await store.append(numbered(1)), { first: 2, last: 2 });
  });

  Deno.test(`${name}: append() stores what it checked of events that are others at each look`, async () => {
    await using opened = await open();
    const { store } = opened;
    const id = crypto.randomUUID();
    const timestamp = "2026-11-24T09:00:00.000Z";
    const broken = '","data":1}\n{"x":"';
    /** Gives what is right once. */
    const once = <T>(right: T, wrong: unknown) => {
      let looks = 0;
      return () => (looks++ === 0 ? right : wrong) as T;
    };
    const look = {
      type: once("A", broken),
      tags: once(["t:1"], [broken]),
      data: once<unknown>({ n: 1 }, undefined),
      id: once(id, id + broken),
      timestamp: once(timestamp, broken),
      tag: once("t:1", 7),
    };
    const changing = {
      get type() {
        return look.type();
      },
      get tags() {
        return look.tags();
      },
      get data() {
        return look.data();
      },
      get id() {
        return look.id();
      },
      get timestamp() {
        return look.timestamp();
      },
    };
    const tags = Object.defineProperty([""], 0, { get: look.tag });
    await store.append([changing]);
    await store.append([{ type: "B", tags, data: 2 }]);
    const stored = await Array.fromAsync(store.read("all"));
    assertEquals(stored[0], {
      position: 1,
      type: "A",
      tags: ["t:1"],
      id,
      timestamp,
      data: { n: 1 },
    });
    assertEquals(stored[1]?.tags, ["t:1"]);
    const query = { items: [{ tags: ["t:1"] }] };
    assertEquals(await Array.fromAsync(store.read(query)), stored);
  });

  Deno.test(`${name}: append() takes 10,000 events at once and refuses one more`, async () => {
    await using opened = await open();
    const { store } = opened;
    await assertRejects(
      () => store.append(numbered(10_001)),
      RangeError,
      "'events' must have 1 to 10000 elements: current value is 10001",
    );
    assertEquals(await store.append(numbered(10_000)), {
      first: 1,
      last: 10_000,
    });
    const last = await store.readLast("all");
    assertEquals(last?.data, { n: 10_000 });
  });

  Deno.test(`${name}: append() takes an event of exactly 1 MiB and refuses one byte more`, async () => {
    await using opened = await open();
    const { store } = opened;
    const overhead = JSON.stringify({ type: "A", tags: [], data: "" }).length;
    const data = "x".repeat(1024 * 1024 - overhead);
    await assertRejects(
      () => store.append([event("B"), { type: "A", data: `${data}x` }]),
      RangeError,
      "'events[1]' must have at most 1048576 bytes: current value is 1048577",
    );
    await store.append([{ type: "A", data }]);
    assertEquals((await store.readLast("all"))?.data, data);
  });

  Deno.test(`${name}: append() counts bytes of UTF-8, not characters`, async () => {
    await using opened = await open();
    const { store } = opened;
    const data = "é".repeat(600_000);
    await assertRejects(() => store.append([{ type: "A", data }]), RangeError);
    const control = "\u0001".repeat(200_000);
    await assertRejects(
      () => store.append([{ type: "A", data: control }]),
      RangeError,
    );
    await store.append([{ type: "A", data: "é".repeat(500_000) }]);
    assertEquals(await store.head(), 1);
  });

  Deno.test(`${name}: append() takes 16 MiB at once and refuses more`, async () => {
    await using opened = await open();
    const { store } = opened;
    const overhead = JSON.stringify({ type: "A", tags: [], data: "" }).length;
    const data = "x".repeat(1024 * 1024 - overhead);
    const events = Array.from({ length: 16 }, () => ({ type: "A", data }));
    await assertRejects(
      () => store.append([...events, event("A")]),
      RangeError,
      "'events' must have at most 16777216 bytes together",
    );
    assertEquals(await store.append(events), { first: 1, last: 16 });
  });

  Deno.test(`${name}: asyncDispose can be called twice`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(1));
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
}
