import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  checkDeterminism,
  describeDeterminism,
} from "../../src/testing/mod.ts";
import {
  checkOrders,
  FEW_WAYS,
  ORDERS,
  ordersProjection,
  problemsOf,
} from "./determinism_fixture.ts";

Deno.test("a projection that draws lots is found, also when it drops them", async () => {
  const kept = await checkOrders(
    ordersProjection(() => ({ lot: Math.random() })),
  );
  assertEquals(problemsOf(kept), [
    { kind: "chance", method: "apply", position: 1, key: "ada" },
  ]);
  assertEquals(
    kept.problems[0]?.message,
    "'apply' draws lots with Math.random(): the same event gives another result each time. " +
      "Draw when the event is recorded, and keep the outcome in its data",
  );
  assert(kept.differingWays.length > 0);
  const dropped = await checkOrders(ordersProjection(() => {
    Math.random();
    return { orders: 1 };
  }));
  assertEquals(dropped.differingWays, []);
  assert(!dropped.isDeterministic);
});

Deno.test("every source of time and chance is noticed by name", async () => {
  const sources: Record<string, () => unknown> = {
    "Date.now()": () => Date.now(),
    "new Date()": () => new Date().getTime(),
    "Date()": () => Date().length,
    "performance.now()": () => performance.now(),
    "Temporal.Now.instant()": () => Temporal.Now.instant().epochMilliseconds,
    "Math.random()": () => Math.random(),
    "crypto.randomUUID()": () => crypto.randomUUID(),
    "crypto.getRandomValues()": () =>
      crypto.getRandomValues(new Uint8Array(1))[0],
    "Temporal.Now.timeZoneId()": () => Temporal.Now.timeZoneId(),
    "Date.prototype.getHours()": () => new Date(0).getHours(),
    "Date.prototype.toLocaleString()": () => new Date(0).toLocaleString(),
  };
  const projections = Object.entries(sources).map(([source, ask], index) =>
    ordersProjection(() => ({ answer: ask() }), {
      name: `Source${String(index).padStart(2, "0")}`,
      fingerprint: `source-${source.length}`,
    })
  );
  const report = await checkDeterminism({
    projections,
    events: ORDERS.slice(0, 2),
    ...FEW_WAYS,
  });
  const found = report.projections.map(({ problems }) => problems.length);
  assertEquals(found, projections.map(() => 1), describeDeterminism(report));
  for (const [index, source] of Object.keys(sources).entries()) {
    const [problem] = report.projections[index]?.problems ?? [];
    assert(problem?.message.includes(` with ${source}:`), source);
  }
});

Deno.test("times of the event and texts for a given place are no mistakes", async () => {
  const found = await checkOrders(ordersProjection((_state, { timestamp }) => {
    const at = new Date(timestamp);
    const inUtc = at.toLocaleString("en", { timeZone: "UTC" });
    const isDate = at instanceof Date && at.constructor.name === "Date";
    return { day: at.getUTCDate(), iso: at.toISOString(), inUtc, isDate };
  }));
  assertEquals(found.problems, []);
  assert(found.isDeterministic);
});

Deno.test("what was watched is put back, also when a projection throws", async () => {
  const before = [Date, Date.now, Math.random, performance.now];
  const own = Object.getOwnPropertyNames(crypto);
  const { getHours } = Date.prototype;
  await checkOrders(ordersProjection(() => {
    throw new Error("No");
  }));
  const after = [Date, Date.now, Math.random, performance.now];
  for (const [index, value] of after.entries()) {
    assertStrictEquals(value, before[index]);
  }
  assertEquals(Object.getOwnPropertyNames(crypto), own);
  assertStrictEquals(Date.prototype.getHours, getHours);
});

Deno.test("a variable that outlives the call is found in each function of a definition", async () => {
  let calls = 0;
  const seen = new Set<string>();
  const apply = () => ({ orders: 1 });
  const found = await Promise.all([
    checkOrders(ordersProjection(() => ({ calls: ++calls }))),
    checkOrders(ordersProjection(
      (state: { orders: number } | undefined, { id }) => {
        if (seen.has(id)) return state;
        seen.add(id);
        return { orders: (state?.orders ?? 0) + 1 };
      },
    )),
    checkOrders(ordersProjection(apply, { key: () => `call ${++calls}` })),
    checkOrders(
      ordersProjection(apply, { tags: () => [`call:${++calls}`] }),
    ),
    checkOrders(ordersProjection(apply, {
      related: { eventTypes: ["Placed"], tags: () => [`call:${++calls}`] },
    })),
  ]);
  const kind = "sharedState";
  assertEquals(found.map((one) => problemsOf(one)), [
    [{ kind, method: "apply", position: 1, key: "ada" }],
    [{ kind, method: "apply", position: 1, key: "ada" }],
    [{ kind, method: "key", position: 1, key: null }],
    [{ kind, method: "tags", position: 1, key: "ada" }],
    [{ kind, method: "related.tags", position: 1, key: null }],
  ]);
  assertEquals(
    found[2]?.problems[0]?.message,
    "'key' gave two results for the same arguments: it depends on something outside of them, " +
      "such as a variable that outlives the call",
  );
});

Deno.test("an object that two documents hold is found", async () => {
  const found = await checkOrders(ordersProjection(
    (state: { all: number[] } | undefined) => {
      const all = state?.all ?? [];
      all.push(1);
      return { all };
    },
    { key: () => ["one", "two"] },
  ));
  assertEquals(found.problems, []);
  const log: string[] = [];
  const shared = await checkOrders(ordersProjection(
    (state: { log: string[] } | undefined, { data }) => {
      const kept = state?.log ?? log;
      if (!state) kept.length = 0;
      kept.push(data.customer);
      return { log: kept };
    },
  ));
  assertEquals(problemsOf(shared)[0], {
    kind: "sharedState",
    method: "apply",
    position: 3,
    key: "ada",
  });
  assertEquals(
    shared.problems[0]?.message,
    "the document changed although no event was applied to it: it holds an object that is held " +
      "outside of it as well, by another document or a variable",
  );
});

Deno.test("what a module remembers is missed after a restart", async () => {
  const report = await checkDeterminism({
    projections: import.meta.resolve("./remembering_projections.ts"),
    events: ORDERS,
    ...FEW_WAYS,
  });
  const [found] = report.projections;
  assert(found && !found.isDeterministic);
  assertEquals(found?.differingWays, ["stored half-way, then another thread"]);
  assertEquals(found?.difference, {
    way: "stored half-way, then another thread",
    key: "ada",
    expected: '{"first":"article 0","orders":3}',
    actual: '{"first":null,"orders":3}',
  });
  assertEquals(
    found?.problems[0]?.message,
    "another process that goes on from the stored documents comes to others: something that " +
      "they depend on is kept outside of them, such as in a variable of the module",
  );
});

Deno.test("documents that do not survive JSON are found, with the place", async () => {
  const states: Record<string, unknown> = {
    "an instance of \"Date\" at '.at'": { at: new Date(0) },
    "undefined at '.nick'": { nick: undefined },
    "an instance of \"Map\" at '.lines[0].parts'": {
      lines: [{ parts: new Map() }],
    },
    "NaN at '.mean'": { mean: NaN },
    "undefined at '.holes[1]'": { holes: [1, undefined] },
    'an instance of "Set" at \'["a b"]\'': { "a b": new Set() },
  };
  const projections = Object.values(states).map((state, index) =>
    ordersProjection(() => state, { name: `State${index}` })
  );
  const report = await checkDeterminism({
    projections,
    events: ORDERS,
    ...FEW_WAYS,
  });
  assertEquals(
    report.projections.map(({ problems }) => problems[0]?.message),
    Object.keys(states).map((found) =>
      `the document holds ${found}: it is stored as JSON and comes back as something else, ` +
      "or not at all"
    ),
  );
});

Deno.test("a date that is used as such fails once it was stored, and both is said", async () => {
  const found = await checkOrders(ordersProjection(
    (state: { first: Date; days: number } | undefined, { timestamp }) => {
      const at = new Date(timestamp);
      const first = state?.first ?? at;
      return { first, days: (at.getTime() - first.getTime()) / 86_400_000 };
    },
  ));
  assertEquals(problemsOf(found), [
    { kind: "notJson", method: "apply", position: 1, key: "ada" },
    { kind: "failed", method: "apply", position: 3, key: "ada" },
  ]);
  assertEquals(
    found.problems[1]?.message,
    "'apply' failed with TypeError: first.getTime is not a function",
  );
});

Deno.test("one object at two places of a document is found", async () => {
  type Count = { count: number };
  const found = await checkOrders(ordersProjection(
    (state: { last: Count; all: Count[] } | undefined) => {
      const all = state?.all ?? [];
      if (state) state.last.count++;
      const last = { count: 0 };
      all.push(last);
      return { last, all };
    },
  ));
  assertEquals(
    found.problems.map(({ message }) => message),
    [
      "'apply' gave another result when the document had been stored and read back: two places " +
      "of it hold the same object, which become two",
    ],
  );
  assert(found.differingWays.length > 0);
});

Deno.test("a part of an event that is kept and changed is found", async () => {
  const found = await checkOrders(ordersProjection(
    (state: { lines: unknown[] } | undefined, { data: { lines } }) => {
      if (!state) return { lines };
      state.lines.push(...lines);
      return state;
    },
  ));
  assertEquals(problemsOf(found), [
    { kind: "failed", method: "apply", position: 3, key: "ada" },
  ]);
  assertEquals(
    found.problems[0]?.message,
    "'apply' failed with TypeError: Cannot add property 1, object is not extensible. Events " +
      "are frozen: copy what the document keeps of them",
  );
});
