/** @module */
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import type { EventInput, Query } from "../../../mod.ts";
import {
  collect,
  event,
  eventArbitrary,
  expectedRead,
  fill,
  numbered,
  type OpenStore,
  positions,
  queryArbitrary,
} from "./support.ts";

const SIX: readonly EventInput[] = [
  event("A", ["x:1"]),
  event("B", ["x:1", "y:1"]),
  event("A", ["y:1"]),
  event("C", ["x:2", "y:1"]),
  event("B", []),
  event("A", ["x:1", "y:1"]),
];

/** Reading: queries, bounds, both directions, early exit, giving up. */
export function testReading(name: string, open: OpenStore): void {
  Deno.test(`${name}: read() yields nothing from an empty store`, async () => {
    await using opened = await open();
    const { store } = opened;
    assertEquals(await positions(store, "all"), []);
    assertEquals(await positions(store, "all", { backwards: true }), []);
    assertEquals(await store.readLast("all"), undefined);
  });

  Deno.test(`${name}: read() finds any of the types, all of the tags, any of the items`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(SIX);
    const cases: [Query, number[]][] = [
      ["all", [1, 2, 3, 4, 5, 6]],
      [{ items: [] }, []],
      [{ items: [{}] }, [1, 2, 3, 4, 5, 6]],
      [{ items: [{ types: [], tags: [] }] }, [1, 2, 3, 4, 5, 6]],
      [{ items: [{ types: ["A"] }] }, [1, 3, 6]],
      [{ items: [{ types: ["A", "C"] }] }, [1, 3, 4, 6]],
      [{ items: [{ tags: ["x:1"] }] }, [1, 2, 6]],
      [{ items: [{ tags: ["x:1", "y:1"] }] }, [2, 6]],
      [{ items: [{ tags: ["y:1", "x:1", "y:1"] }] }, [2, 6]],
      [{ items: [{ types: ["A"], tags: ["x:1", "y:1"] }] }, [6]],
      [{ items: [{ types: ["C"] }, { tags: ["x:1"] }] }, [1, 2, 4, 6]],
      [{ items: [{ types: ["A"] }, { types: ["A"] }] }, [1, 3, 6]],
      [{ items: [{ types: ["a"] }] }, []],
      [{ items: [{ tags: ["x:"] }] }, []],
      [{ items: [{ types: ["Unknown"] }, { types: ["C"] }] }, [4]],
    ];
    for (const [query, expected] of cases) {
      const label = JSON.stringify(query);
      assertEquals(await positions(store, query), expected, label);
      const backwards = await positions(store, query, { backwards: true });
      assertEquals(backwards, expected.toReversed(), label);
      const last = await store.readLast(query);
      assertEquals(last?.position, expected.at(-1), label);
    }
  });

  Deno.test(`${name}: read() keeps to its bounds`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(SIX);
    const backwards = true;
    assertEquals(await positions(store, "all", { after: 4 }), [5, 6]);
    assertEquals(await positions(store, "all", { after: 6 }), []);
    assertEquals(await positions(store, "all", { after: 60 }), []);
    assertEquals(await positions(store, "all", { limit: 0 }), []);
    assertEquals(await positions(store, "all", { after: 1, limit: 2 }), [2, 3]);
    assertEquals(await positions(store, "all", { limit: Infinity }), [
      ...[1, 2, 3, 4, 5, 6],
    ]);
    assertEquals(await positions(store, "all", { backwards, after: 3 }), [
      ...[2, 1],
    ]);
    assertEquals(await positions(store, "all", { backwards, after: 1 }), []);
    assertEquals(await positions(store, "all", { backwards, after: 0 }), []);
    assertEquals(
      await positions(store, "all", { backwards, after: 60, limit: 2 }),
      [6, 5],
    );
  });

  Deno.test(`${name}: read() yields what a scan of the log would, for any events, query and bounds`, async () => {
    const read = fc.record({
      query: queryArbitrary,
      options: fc.record(
        {
          after: fc.nat({ max: 50 }),
          limit: fc.oneof(fc.nat({ max: 10 }), fc.constant(Infinity)),
          backwards: fc.boolean(),
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
        assertEquals(log.length, batches.flat().length);
        for (const { query, options } of reads) {
          const expected = expectedRead(log, query, options);
          assertEquals(await collect(store.read(query, options)), expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  Deno.test(`${name}: read() ends at the head as it stood when it began`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(3));
    const seen: number[] = [];
    for await (const { position } of store.read("all")) {
      seen.push(position);
      await store.append(numbered(1));
    }
    assertEquals(seen, [1, 2, 3]);
    assertEquals(await store.head(), 6);
  });

  Deno.test(`${name}: read() can be left early, and begun again`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(500));
    const events = store.read("all");
    for await (const { position } of events) {
      if (position === 2) break;
    }
    for await (const _event of store.read("all", { backwards: true })) break;
    await assertRejects(
      async () => {
        for await (const _event of store.read("all")) throw new Error("Mine");
      },
      Error,
      "Mine",
    );
    assertEquals((await positions(store, "all")).length, 500);
  });

  Deno.test(`${name}: read() stops with the reason of its signal`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(3));
    const reason = new Error("No longer wanted");
    const aborted = AbortSignal.abort(reason);
    const early = await assertRejects(
      () => collect(store.read("all", { signal: aborted })),
    );
    assertStrictEquals(early, reason);
    const controller = new AbortController();
    const seen: number[] = [];
    const late = await assertRejects(async () => {
      const options = { signal: controller.signal };
      for await (const { position } of store.read("all", options)) {
        seen.push(position);
        if (position === 2) controller.abort(reason);
      }
    });
    assertStrictEquals(late, reason);
    assertEquals(seen, [1, 2]);
  });

  Deno.test(`${name}: read() hands every reader its own events`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("A", ["x:1"], 7)]);
    for await (const read of store.read("all")) {
      // A store may freeze what it hands out; what it may not do is share it.
      Reflect.set(read.data as object, "n", 8);
      Reflect.set(read.tags, 0, "x:2");
    }
    const again = await store.readLast("all");
    assertEquals([again?.data, again?.tags], [{ n: 7 }, ["x:1"]]);
    assertEquals(await positions(store, { items: [{ tags: ["x:2"] }] }), []);
  });
}
