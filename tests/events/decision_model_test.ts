import {
  assertEquals,
  assertGreater,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  AppendConditionError,
  composeDecisionModels,
  decide,
  type DecisionModel,
  type DomainEvent,
  type EventStore,
  type Query,
} from "../../mod.ts";
import { MemoryEventStore } from "../../src/testing/mod.ts";

const SEATS: Query = { items: [{ types: ["SeatTaken"], tags: ["course:1"] }] };

const takenSeats: DecisionModel<number> = {
  query: SEATS,
  initial: 0,
  evolve: (count) => count + 1,
};

function seat(student: string): DomainEvent & { tags: string[] } {
  return {
    type: "SeatTaken",
    tags: ["course:1", `student:${student}`],
    data: {},
  };
}

/** Lets somebody else append each time before `store` does. */
function withRival(store: EventStore, times: number): EventStore {
  let left = times;
  return new Proxy(store, {
    get(target, property) {
      if (property === "append") {
        return async (...args: Parameters<EventStore["append"]>) => {
          if (left-- > 0) await target.append([seat("rival")]);
          return await target.append(...args);
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("decide() appends what was decided on the events of the model", async () => {
  const store = new MemoryEventStore();
  await store.append([seat("a"), { type: "Other", data: {} }]);
  const result = await decide(store, takenSeats, (taken) => {
    assertEquals(taken, 1);
    return [seat("b"), seat("c")];
  });
  assertEquals(result, {
    appended: { first: 3, last: 4 },
    state: 1,
    attempts: 1,
  });
});

Deno.test("decide() appends nothing when nothing was decided", async () => {
  const store = new MemoryEventStore();
  const result = await decide(store, takenSeats, () => []);
  assertEquals(result, { appended: undefined, state: 0, attempts: 1 });
  assertEquals(await store.head(), 0);
});

Deno.test("decide() starts over, on what is there then, when somebody else was faster", async () => {
  const store = new MemoryEventStore();
  const seen: number[] = [];
  const result = await decide(withRival(store, 2), takenSeats, (taken) => {
    seen.push(taken);
    return [seat("me")];
  });
  assertEquals(seen, [0, 1, 2]);
  assertEquals(result.attempts, 3);
  assertEquals(result.appended, { first: 3, last: 3 });
});

Deno.test("decide() gives up after attemptsMax conflicts", async () => {
  const store = new MemoryEventStore();
  await assertRejects(
    () =>
      decide(withRival(store, 9), takenSeats, () => [seat("me")], {
        attemptsMax: 3,
      }),
    AppendConditionError,
  );
  assertEquals(await store.head(), 3);
});

Deno.test("decide() passes on what the decision throws, and does not try again", async () => {
  const store = new MemoryEventStore();
  const refusal = new Error("The course is full");
  let calls = 0;
  const error = await assertRejects(() =>
    decide(store, takenSeats, () => {
      calls++;
      throw refusal;
    })
  );
  assertStrictEquals(error, refusal);
  assertEquals(calls, 1);
});

Deno.test("decide() never oversells, however many decide at once", async () => {
  const store = new MemoryEventStore();
  const seatsMax = 5;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, i) =>
      decide(
        store,
        takenSeats,
        (taken) => {
          if (taken >= seatsMax) throw new Error("The course is full");
          return [seat(`${i}`)];
        },
        { attemptsMax: 50 },
      )),
  );
  const won = outcomes.filter(({ status }) => status === "fulfilled");
  assertEquals(won.length, seatsMax);
  assertEquals(await store.head(), seatsMax);
});

Deno.test("decide() refuses an attemptsMax that is no integer from 1", async () => {
  const store = new MemoryEventStore();
  for (const attemptsMax of [0, -1, 1.5, NaN, Infinity]) {
    await assertRejects(
      () => decide(store, takenSeats, () => [], { attemptsMax }),
      RangeError,
      `'attemptsMax' must be an integer from 1: current value is ${attemptsMax}`,
    );
  }
});

Deno.test("decide() gives up with the reason of its signal", async () => {
  const store = new MemoryEventStore();
  const reason = new Error("No longer wanted");
  const signal = AbortSignal.abort(reason);
  const error = await assertRejects(() =>
    decide(store, takenSeats, () => [seat("a")], { signal })
  );
  assertStrictEquals(error, reason);
  assertEquals(await store.head(), 0);
});

Deno.test("composeDecisionModels() folds every model with its own events alone", async () => {
  const store = new MemoryEventStore();
  await store.append([
    seat("a"),
    { type: "CourseClosed", tags: ["course:1"], data: {} },
    { type: "SeatTaken", tags: ["course:2"], data: {} },
    seat("b"),
  ]);
  const isClosed: DecisionModel<boolean> = {
    query: { items: [{ types: ["CourseClosed"], tags: ["course:1"] }] },
    initial: false,
    evolve: () => true,
  };
  const model = composeDecisionModels({ taken: takenSeats, isClosed });
  assertEquals(model.initial, { taken: 0, isClosed: false });
  const { state } = await decide(store, model, () => []);
  assertEquals(state, { taken: 2, isClosed: true });
  assertEquals(model.initial, { taken: 0, isClosed: false });
});

Deno.test("composeDecisionModels() conflicts with events of any of the models", async () => {
  const store = new MemoryEventStore();
  const everything: DecisionModel<number> = {
    query: "all",
    initial: 0,
    evolve: (count) => count + 1,
  };
  const model = composeDecisionModels({ taken: takenSeats, everything });
  const { attempts, state } = await decide(
    withRival(store, 1),
    model,
    () => [{ type: "Unrelated", data: {} }],
  );
  assertEquals(attempts, 2);
  assertGreater(state.everything, 0);
});
