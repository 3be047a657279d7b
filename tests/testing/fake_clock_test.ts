import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock } from "../../src/testing/mod.ts";

Deno.test("FakeClock stands still until it is advanced", async () => {
  const clock = new FakeClock("2026-01-01T00:00:00Z");
  assertEquals(clock.now().toISOString(), "2026-01-01T00:00:00.000Z");
  assertEquals(clock.monotonicMs(), 0);
  await clock.advance(1_500);
  assertEquals(clock.now().toISOString(), "2026-01-01T00:00:01.500Z");
  assertEquals(clock.monotonicMs(), 1_500);
});

Deno.test("FakeClock.advance() wakes sleepers in the order of their times", async () => {
  const clock = new FakeClock();
  const woken: [string, number][] = [];
  const sleep = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push([name, clock.monotonicMs()]);
  };
  const sleeping = [sleep("b", 200), sleep("a", 100), sleep("c", 300)];
  await clock.advance(250);
  assertEquals(woken, [["a", 100], ["b", 200]]);
  await clock.advance(50);
  await Promise.all(sleeping);
  assertEquals(woken.at(-1), ["c", 300]);
});

Deno.test("FakeClock.advance() wakes a loop as often as real time would", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  let rounds = 0;
  const loop = (async () => {
    while (!controller.signal.aborted) {
      await clock.sleep(100, controller.signal);
      rounds++;
    }
  })();
  await clock.advance(1_050);
  assertEquals(rounds, 10);
  controller.abort();
  await loop;
  assertEquals(clock.sleeping, 0);
});

Deno.test("FakeClock.sleep() ends when its signal aborts", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(1_000, controller.signal);
  controller.abort();
  await sleeping;
  await clock.sleep(1_000, controller.signal);
  assertEquals(clock.sleeping, 0);
  assertEquals(clock.monotonicMs(), 0);
});

Deno.test("FakeClock.whenSleeping() resolves when that many sleep", async () => {
  const clock = new FakeClock();
  const twoSleep = clock.whenSleeping(2);
  const seen: string[] = [];
  const watching = twoSleep.then(() => seen.push("two sleep"));
  const first = clock.sleep(10);
  await clock.whenSleeping();
  assertEquals(seen, []);
  const second = clock.sleep(10);
  await watching;
  await clock.advance(10);
  await Promise.all([first, second]);
});

Deno.test("FakeClock.setWallClock() moves the wall clock alone", async () => {
  const clock = new FakeClock("2026-01-01T00:00:00Z");
  const sleeping = clock.sleep(100);
  clock.setWallClock("2016-01-01T00:00:00Z");
  assertEquals(clock.sleeping, 1);
  await clock.advance(100);
  await sleeping;
  assertEquals(clock.now().toISOString(), "2016-01-01T00:00:00.100Z");
  assertEquals(clock.monotonicMs(), 100);
});

Deno.test("FakeClock refuses what is no time", async () => {
  assertThrows(() => new FakeClock("soon"), RangeError, "must show a time");
  const clock = new FakeClock();
  assertThrows(() => clock.setWallClock(NaN), RangeError, "must show a time");
  for (const ms of [-1, NaN]) {
    await assertRejects(() => clock.advance(ms), RangeError, "number from 0");
  }
});
