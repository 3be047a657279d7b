/** @module */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  type AppendCondition,
  AppendConditionError,
  type EventInput,
  type Query,
} from "../../../mod.ts";
import {
  collect,
  event,
  eventArbitrary,
  isAskedFor,
  numbered,
  type OpenStore,
  queryArbitrary,
} from "./support.ts";

const SEATS: Query = { items: [{ types: ["SeatTaken"], tags: ["course:1"] }] };

/** Append conditions, one append at a time and many at once. */
export function testConditions(name: string, open: OpenStore): void {
  Deno.test(`${name}: append() refuses when a matching event follows the condition, and writes nothing`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([
      event("CourseCreated", ["course:1"]),
      event("SeatTaken", ["course:1"]),
      event("Other"),
    ]);
    const condition = { failIfEventsMatch: SEATS, after: 1 };
    const error = await assertRejects(
      () => store.append(numbered(3), { condition }),
      AppendConditionError,
      "decided at position 1, a matching event was found at position 2",
    );
    assertEquals(error.conflict, { after: 1, foundAt: 2 });
    assertEquals(await store.head(), 3);
    assertEquals(await store.append(numbered(1)), { first: 4, last: 4 });
  });

  Deno.test(`${name}: append() judges a condition as it was when it was called`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([event("SeatTaken", ["course:1"])]);
    const tags = ["course:1"];
    const condition = { failIfEventsMatch: { items: [{ tags }] }, after: 0 };
    const appending = store.append(numbered(1), { condition });
    // As in a loop that uses one condition again and again.
    tags[0] = "course:2";
    condition.after = 1;
    await assertRejects(() => appending, AppendConditionError);
    assertEquals(await store.head(), 1);
  });

  Deno.test(`${name}: append() passes when only earlier events or other events match`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append([
      event("SeatTaken", ["course:1"]),
      event("SeatTaken", ["course:2"]),
      event("SeatFreed", ["course:1"]),
    ]);
    const condition = { failIfEventsMatch: SEATS, after: 1 };
    const events = [event("SeatTaken", ["course:1"])];
    assertEquals(await store.append(events, { condition }), {
      first: 4,
      last: 4,
    });
  });

  Deno.test(`${name}: append() judges conditions from the first event on unless told where`, async () => {
    await using opened = await open();
    const { store } = opened;
    const condition = { failIfEventsMatch: SEATS };
    const events = [event("SeatTaken", ["course:1"])];
    await store.append(events, { condition });
    await assertRejects(
      () => store.append(events, { condition }),
      AppendConditionError,
    );
  });

  Deno.test(`${name}: append() does not hold an append's own events against it`, async () => {
    await using opened = await open();
    const { store } = opened;
    const taken = event("SeatTaken", ["course:1"]);
    const condition = { failIfEventsMatch: SEATS };
    await store.append([taken, taken], { condition });
    assertEquals(await store.head(), 2);
  });

  Deno.test(`${name}: append() fails on any event with "all", on none without items`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(2));
    const any: AppendCondition = { failIfEventsMatch: "all", after: 1 };
    const none: AppendCondition = { failIfEventsMatch: { items: [] } };
    await assertRejects(
      () => store.append(numbered(1), { condition: any }),
      AppendConditionError,
    );
    await store.append(numbered(1), { condition: none });
    await store.append(numbered(1), { condition: { ...any, after: 3 } });
    await store.append(numbered(1), { condition: { ...any, after: 99 } });
    assertEquals(await store.head(), 5);
  });

  Deno.test(`${name}: append() lets exactly one of many appends at once through the same condition`, async () => {
    await using opened = await open();
    const { store } = opened;
    await store.append(numbered(5));
    const condition = { failIfEventsMatch: SEATS, after: 5 };
    const outcomes = await Promise.allSettled(
      Array.from(
        { length: 20 },
        (_, i) =>
          store.append([event("SeatTaken", ["course:1"], i)], { condition }),
      ),
    );
    const refused = outcomes.filter(({ status }) => status === "rejected");
    assertEquals(refused.length, 19);
    for (const outcome of refused) {
      assertInstanceOf(
        (outcome as PromiseRejectedResult).reason,
        AppendConditionError,
      );
    }
    assertEquals((await collect(store.read(SEATS))).length, 1);
    assertEquals(await store.head(), 6);
  });

  Deno.test(`${name}: append() judges a condition on appends called just before it`, async () => {
    await using opened = await open();
    const { store } = opened;
    const condition = { failIfEventsMatch: SEATS };
    const outcomes = await Promise.allSettled([
      store.append([event("Other")], { condition }),
      store.append([event("SeatTaken", ["course:1"])]),
      store.append([event("TooLate")], { condition }),
      store.append([event("Unconditional")]),
    ]);
    assertEquals(
      outcomes.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled"],
    );
    const events = await collect(store.read("all"));
    assertEquals(
      events.map(({ position, type }) => [position, type]),
      [[1, "Other"], [2, "SeatTaken"], [3, "Unconditional"]],
    );
  });

  Deno.test(`${name}: append() judges conditions as a scan of the log would, for any events and queries`, async () => {
    const step = fc.record({
      events: fc.array(eventArbitrary, { minLength: 1, maxLength: 4 }),
      query: queryArbitrary,
      back: fc.option(fc.nat({ max: 8 })),
      atOnce: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await using opened = await open();
        const { store } = opened;
        const model: EventInput[] = [];
        let pending: Promise<void>[] = [];
        for (const { events, query, back, atOnce } of steps) {
          const after = Math.max(0, model.length - (back ?? 0));
          const options = back === null
            ? {}
            : { condition: { failIfEventsMatch: query, after } };
          const isRefused = back !== null &&
            model.slice(after).some(({ type, tags = [] }) =>
              isAskedFor(query, { type, tags })
            );
          const first = model.length + 1;
          if (!isRefused) model.push(...events);
          const appending = store.append(events, options);
          pending.push(
            isRefused
              ? assertRejects(() => appending, AppendConditionError).then(
                () => {},
              )
              : appending.then((result) =>
                assertEquals(result, { first, last: first + events.length - 1 })
              ),
          );
          if (atOnce) continue;
          await Promise.all(pending);
          pending = [];
        }
        await Promise.all(pending);
        const log = await collect(store.read("all"));
        assertEquals(
          log.map(({ type, tags, data }) => ({ type, tags, data })),
          // Some were given without a prototype; what is read has one.
          JSON.parse(JSON.stringify(model)),
        );
      }),
      { numRuns: 30 },
    );
  });
}
