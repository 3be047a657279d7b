/** @module */
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import fc from "fast-check";
import type { EventBatch } from "../../../mod.ts";
import {
  collect,
  event,
  eventArbitrary,
  expectedRead,
  fill,
  numbered,
  type OpenStore,
  queryArbitrary,
} from "./support.ts";

/** What is compared of a batch: positions and how far it goes. */
function outline({ events, through }: EventBatch): [number[], number] {
  return [events.map(({ position }) => position), through];
}

/** Reading in batches, as daemons and rebuilds do. */
export function testBatches(name: string, open: OpenStore): void {
  Deno.test(`${name}: readBatches() hands out every event once, in batches of at most batchSize`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(10));
    const batches = await collect(store.readBatches("all", { batchSize: 4 }));
    assertEquals(
      batches.flatMap(({ events }) => events.map(({ position }) => position)),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert(batches.every(({ events }) => events.length <= 4));
    assertEquals(batches.at(-1)?.through, 10);
    for (const { events, bytes } of batches) {
      if (events.length > 0) assertGreater(bytes, events.length * 20);
    }
  });

  Deno.test(`${name}: readBatches() tells the id of the event that it has come to`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A", ["a:1"]), ...numbered(8)]);
    await store.append([event("A", [',"id":"'])]);
    await store.append(numbered(3));
    const ids = await collect(store.read("all"));
    for (
      const query of [
        "all",
        { items: [] },
        { items: [{ types: ["A"] }] },
        { items: [{ tags: ["a:1"] }] },
      ] as const
    ) {
      for (const upTo of [1, 5, 10, 13]) {
        const options = { batchSize: 4, upTo };
        for (
          const { through, throughId } of await collect(
            store.readBatches(query, options),
          )
        ) assertEquals(throughId, ids[through - 1]?.id);
      }
    }
  });

  Deno.test(`${name}: readBatches() advances to the end of its range even when nothing matches`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A"), ...numbered(8)]);
    const query = { items: [{ types: ["A"] }] };
    const all = await collect(store.readBatches(query));
    assertEquals(all.flatMap(({ events }) => events).length, 1);
    assertEquals(all.at(-1)?.through, 9);
    const none = await collect(store.readBatches(query, { after: 3 }));
    assertEquals(none.flatMap(({ events }) => events), []);
    assertEquals(none.at(-1)?.through, 9);
    const noItems = await collect(store.readBatches({ items: [] }));
    assertEquals(noItems.at(-1)?.through, 9);
    assertEquals(noItems.flatMap(({ events }) => events), []);
  });

  Deno.test(`${name}: readBatches() keeps to its bounds and never goes past the head`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(6));
    const range = await collect(
      store.readBatches("all", { after: 2, upTo: 4 }),
    );
    assertEquals(range.map(outline), [[[3, 4], 4]]);
    const beyond = await collect(
      store.readBatches("all", { after: 4, upTo: 99 }),
    );
    assertEquals(beyond.map(outline), [[[5, 6], 6]]);
    for (
      const options of [
        { after: 6 },
        { after: 60 },
        { after: 3, upTo: 3 },
        { after: 4, upTo: 2 },
        { upTo: 0 },
      ]
    ) {
      const label = JSON.stringify(options);
      assertEquals(await collect(store.readBatches("all", options)), [], label);
    }
  });

  Deno.test(`${name}: readBatches() yields nothing from an empty store`, async () => {
    await using opened = await open();
    assertEquals(await collect(opened.store.readBatches("all")), []);
  });

  Deno.test(`${name}: readBatches() ends at the head as it stood when it began`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(3));
    let through = 0;
    for await (const batch of store.readBatches("all", { batchSize: 1 })) {
      through = batch.through;
      await store.append(numbered(1));
    }
    assertEquals(through, 3);
  });

  Deno.test(`${name}: readBatches() yields what a scan of the log would, for any events, query and bounds`, async () => {
    const read = fc.record({
      query: queryArbitrary,
      options: fc.record(
        {
          after: fc.nat({ max: 50 }),
          upTo: fc.nat({ max: 60 }),
          batchSize: fc.integer({ min: 1, max: 9 }),
        },
        { requiredKeys: [] },
      ),
    });
    const batches = fc.array(
      fc.array(eventArbitrary, { minLength: 1, maxLength: 8 }),
      { maxLength: 8 },
    );
    const reads = fc.array(read, { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(batches, reads, async (batches, reads) => {
        await using opened = await open();
        const { store } = opened;
        const log = await fill(store, batches);
        for (const { query, options } of reads) {
          const { after = 0, upTo = log.length, batchSize = 1_000 } = options;
          const expected = expectedRead(log, query, { after })
            .filter(({ position }) => position <= upTo);
          const read = await collect(store.readBatches(query, options));
          assertEquals(read.flatMap(({ events }) => events), expected);
          let through = after;
          for (const batch of read) {
            assert(batch.events.length <= batchSize);
            assertGreater(batch.through, through);
            for (const { position } of batch.events) {
              assert(position > through && position <= batch.through);
            }
            through = batch.through;
          }
          assertEquals(through, Math.max(after, Math.min(upTo, log.length)));
        }
      }),
      { numRuns: 25 },
    );
  });

  Deno.test(`${name}: readBatches() can be left early`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(100));
    for await (const _batch of store.readBatches("all", { batchSize: 7 })) {
      break;
    }
    const batches = await collect(store.readBatches("all"));
    assertEquals(batches.flatMap(({ events }) => events).length, 100);
  });

  Deno.test(`${name}: readBatches() stops with the reason of its signal`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(10));
    const reason = new Error("No longer wanted");
    const signal = AbortSignal.abort(reason);
    const early = await assertRejects(
      () => collect(store.readBatches("all", { signal })),
    );
    assertStrictEquals(early, reason);
    const controller = new AbortController();
    const options = { batchSize: 2, signal: controller.signal };
    let batchCount = 0;
    const late = await assertRejects(async () => {
      for await (const _batch of store.readBatches("all", options)) {
        batchCount++;
        controller.abort(reason);
      }
    });
    assertStrictEquals(late, reason);
    assertEquals(batchCount, 1);
  });
}
