import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FULL_PACE, type Pace, Pacer } from "../../src/rebuild/pace.ts";

/** Runs stretches of work, and rests as told. Returns the time spent. */
function runAt(
  pace: Pace,
  stretches: readonly { readonly workMs: number; readonly events: number }[],
): number {
  let nowMs = 0;
  const pacer = new Pacer(() => pace, () => nowMs);
  for (const { workMs, events } of stretches) {
    nowMs += workMs;
    for (let ms = pacer.rest(events); ms > 0; ms = pacer.restOn()) nowMs += ms;
    pacer.goOn();
  }
  return nowMs;
}

const stretches = fc.array(
  fc.record({
    workMs: fc.integer({ min: 0, max: 200 }),
    events: fc.integer({ min: 0, max: 1_000 }),
  }),
  { minLength: 1, maxLength: 200 },
);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

Deno.test("at full pace nobody ever rests", () => {
  fc.assert(fc.property(stretches, (all) => {
    assertEquals(
      runAt(FULL_PACE, all),
      sum(all.map(({ workMs }) => workMs)),
    );
  }));
});

Deno.test("a pass works its share of the time, and hardly less", () => {
  const share = fc.double({ min: 0.1, max: 1, noNaN: true });
  fc.assert(fc.property(stretches, share, (all, share) => {
    const workedMs = sum(all.map(({ workMs }) => workMs));
    const spentMs = runAt({ ...FULL_PACE, share }, all);
    // What is owed last may be too little to rest for.
    assert(workedMs <= share * (spentMs + 5));
    assert(spentMs <= workedMs / share + 1);
  }));
});

Deno.test("a pass reads no more events a second than it may, and hardly less", () => {
  const cap = fc.integer({ min: 1_000, max: 1_000_000 });
  fc.assert(fc.property(stretches, cap, (all, eventsPerSecondMax) => {
    const events = sum(all.map(({ events }) => events));
    const workedMs = sum(all.map(({ workMs }) => workMs));
    const spentMs = runAt({ share: 1, eventsPerSecondMax }, all);
    const dueMs = events * 1_000 / eventsPerSecondMax;
    // A second without reading may be made up for at any one time.
    assert(spentMs + 5 >= Math.min(dueMs, dueMs - 1_000 + workedMs));
    assert(spentMs <= dueMs + workedMs + 1);
  }));
});

Deno.test("time that passes before a rest is over counts as rest", () => {
  let nowMs = 0;
  const pacer = new Pacer(() => ({ ...FULL_PACE, share: 0.5 }), () => nowMs);
  nowMs += 100;
  assertEquals(pacer.rest(0), 100);
  // Something else took longer than it had to rest.
  nowMs += 500;
  pacer.goOn();
  assertEquals(pacer.rest(0), 0);
});

Deno.test("a second without reading is made up for, and no more", () => {
  let nowMs = 0;
  const pace = { share: 1, eventsPerSecondMax: 1_000 };
  const pacer = new Pacer(() => pace, () => nowMs);
  nowMs += 60_000;
  assertEquals(pacer.rest(0), 0);
  pacer.goOn();
  assertEquals([pacer.rest(3_000), nowMs += 1_000, pacer.restOn()], [
    1_000,
    61_000,
    1_000,
  ]);
});

Deno.test("what was read by far too fast is rested for in full, in parts of a second", () => {
  let nowMs = 0;
  let pace = { share: 1, eventsPerSecondMax: 100 };
  const pacer = new Pacer(() => pace, () => nowMs);
  const restUntil = (endMs: number, restMs: number) => {
    while (restMs > 0 && nowMs < endMs) {
      assert(restMs <= 1_000);
      nowMs += restMs;
      restMs = pacer.restOn();
    }
    return restMs;
  };
  // One batch of a sparse projection: a hundred minutes.
  assertEquals(restUntil(Infinity, pacer.rest(600_000)), 0);
  assertEquals(nowMs, 6_000_000);
  // When the cap is raised, the rest is over sooner; without one, at once.
  const due = restUntil(nowMs + 1_000, pacer.rest(600_000));
  assertEquals(due, 1_000);
  pace = { share: 1, eventsPerSecondMax: 1_000_000 };
  nowMs += 599;
  assertEquals(pacer.restOn(), 0);
  pacer.rest(600_000_000);
  pace = FULL_PACE;
  assertEquals(pacer.restOn(), 0);
});

Deno.test("short rests are put together, and none is longer than a second", () => {
  let nowMs = 0;
  const pace = { share: 0.5, eventsPerSecondMax: 1_000 };
  const pacer = new Pacer(() => pace, () => nowMs);
  nowMs += 3;
  assertEquals(pacer.rest(0), 0);
  pacer.goOn();
  nowMs += 3;
  assertEquals(pacer.rest(0), 6);
  nowMs += 6;
  pacer.goOn();
  assertEquals(pacer.rest(1_000_000), 1_000);
});
