import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { type Clock, openOpossum, systemClock } from "../../mod.ts";
import { GOOD_NEIGHBOUR } from "../../src/rebuild/good_neighbour.ts";
import type { Pace } from "../../src/rebuild/pace.ts";
import { RebuildThrottle } from "../../src/rebuild/throttle.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Time runs as fast as it is slept; every sleep may be late. */
class LateClock implements Clock {
  lateMs = 0;
  onSleep = () => {};
  #ms = 0;

  now(): Date {
    return new Date(this.#ms);
  }

  monotonicMs(): number {
    return this.#ms;
  }

  async sleep(ms: number): Promise<void> {
    await setImmediate();
    this.onSleep();
    this.#ms += ms + this.lateMs;
  }
}

/** A throttle on such a clock, with a pass under it. */
function watched() {
  const clock = new LateClock();
  const throttle = new RebuildThrottle({
    clock,
    goodNeighbour: GOOD_NEIGHBOUR,
    eventsPerSecondMax: Infinity,
  });
  const awaited: { share: number; resolve: () => void }[] = [];
  const pass = throttle.enter(({ share }) => {
    for (const { share: wanted, resolve } of awaited) {
      if (share === wanted) resolve();
    }
  });
  const whenShare = (share: number) =>
    new Promise<void>((resolve) => awaited.push({ share, resolve }));
  return { clock, throttle, pass, whenShare };
}

Deno.test("a rebuild slows down to its floor while the event loop is late, and recovers", async () => {
  const { clock, throttle, pass, whenShare } = watched();
  assertEquals(throttle.status.share, 1);
  clock.lateMs = GOOD_NEIGHBOUR.eventLoopDelayMax + 1;
  await whenShare(GOOD_NEIGHBOUR.shareMin);
  assertEquals(throttle.status.reason, "eventLoop");
  clock.lateMs = GOOD_NEIGHBOUR.eventLoopDelayMax;
  await whenShare(GOOD_NEIGHBOUR.shareMin + 0.05);
  // Until it is back at full pace it says why it is not.
  assertEquals(throttle.status.reason, "eventLoop");
  await whenShare(1);
  assertEquals(throttle.status, {
    share: 1,
    reason: null,
    eventsPerSecondMax: null,
  });
  pass[Symbol.dispose]();
});

Deno.test("a rebuild slows down while appends take long, on average", async () => {
  const { clock, throttle, pass, whenShare } = watched();
  clock.onSleep = () => {
    throttle.noteAppend(0);
    throttle.noteAppend(2 * GOOD_NEIGHBOUR.appendDurationMax + 1);
  };
  await whenShare(GOOD_NEIGHBOUR.shareMin);
  assertEquals(throttle.status.reason, "appends");
  clock.onSleep = () => throttle.noteAppend(GOOD_NEIGHBOUR.appendDurationMax);
  await whenShare(1);
  pass[Symbol.dispose]();
});

Deno.test("nobody is watched unless something is rebuilt, and the next rebuild begins afresh", async () => {
  const { clock, throttle, pass, whenShare } = watched();
  assert(throttle.isWatching);
  clock.lateMs = 1_000;
  await whenShare(GOOD_NEIGHBOUR.shareMin);
  pass[Symbol.dispose]();
  while (throttle.isWatching) await setImmediate();
  assertEquals(throttle.status.share, 1);
  const shares: number[] = [];
  using _pass = throttle.enter(({ share }) => shares.push(share));
  assertEquals(shares, [1]);
});

Deno.test("a rebuild that begins just when the last one ends slows down as well", async () => {
  const { clock, throttle, pass } = watched();
  clock.lateMs = 1_000;
  pass[Symbol.dispose]();
  const slowed = Promise.withResolvers<void>();
  using _next = throttle.enter(({ share }) => {
    if (share === GOOD_NEIGHBOUR.shareMin) slowed.resolve();
  });
  await slowed.promise;
  assert(throttle.isWatching);
});

Deno.test("whoever stops ends the rest that is taken, the last one all rests", async () => {
  const clock = new FakeClock();
  const throttle = new RebuildThrottle({
    clock,
    goodNeighbour: undefined,
    eventsPerSecondMax: 100,
  });
  const stops = [new AbortController(), new AbortController()];
  using pass = throttle.enterHere(stops.map(({ signal }) => signal));
  const first = pass.rest(1_000);
  stops[0]?.abort();
  await first;
  // The other one is to be as slow as before, so what was left of the rest is taken now.
  const second = pass.rest(0);
  await clock.advance(9_999);
  assertEquals(clock.sleeping, 1);
  stops[1]?.abort();
  await second;
  await pass.rest(1_000);
  assertEquals(clock.sleeping, 0);
});

Deno.test("passes divide the cap, and the lowest of several caps counts", () => {
  const throttle = new RebuildThrottle({
    clock: systemClock,
    goodNeighbour: undefined,
    eventsPerSecondMax: 9_000,
  });
  const paces: Pace[] = [];
  const capOf = (index: number) => paces[index]?.eventsPerSecondMax;
  const first = throttle.enter((pace) => void (paces[0] = pace));
  assertEquals(capOf(0), 9_000);
  using _second = throttle.enter((pace) => void (paces[1] = pace));
  assertEquals([capOf(0), capOf(1)], [4_500, 4_500]);
  {
    using _low = throttle.cap(1_000);
    using _alike = throttle.cap(1_000);
    using _high = throttle.cap(50_000);
    assertEquals(capOf(1), 500);
    assertEquals(throttle.status.eventsPerSecondMax, 1_000);
  }
  assertEquals(capOf(1), 4_500);
  first[Symbol.dispose]();
  assertEquals(capOf(1), 9_000);
});

/** A store of 10,000 events, of which rebuilds may read 1,000 a second. */
async function openCapped(dir: TempDir, clock: Clock): Promise<MemoryFixture> {
  const opossum = openOverMemory(
    dir.path,
    [countingProjection("One"), countingProjection("Two")],
    {
      clock,
      rebuildEventsPerSecondMax: 1_000,
      // The only one who sleeps is then the pass.
      rebuildGoodNeighbour: false,
      batchSize: 500,
    },
  );
  await opossum.events.append(counts(10_000));
  return opossum;
}

Deno.test("rebuildEventsPerSecondMax bounds how fast a rebuild reads", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using opossum = await openCapped(dir, clock);
  let isDone = false;
  const rebuilding = opossum.rebuilder.rebuildAll()
    .finally(() => isDone = true);
  while (!isDone) {
    await Promise.race([clock.whenSleeping(), rebuilding]);
    await clock.advance(100);
  }
  const result = await rebuilding;
  assert(result.success);
  // One pass for both; the clock moves in steps of a tenth of a second.
  assert(result.duration >= 9_900, `took ${result.duration} ms`);
  assert(result.duration <= 13_000, `took ${result.duration} ms`);
});

for (const runsIn of ["worker", "process"] as const) {
  Deno.test(`a rebuild that rests in a ${runsIn} can be cancelled`, async () => {
    using dir = new TempDir();
    const module = "./worker_fixtures/counting.ts";
    const fixture = await import(module);
    await using opossum = await openOpossum({
      path: dir.path,
      projections: runsIn === "worker"
        ? import.meta.resolve(module)
        : Object.values(fixture),
      startDaemon: false,
      // The whole log would take minutes.
      rebuildEventsPerSecondMax: 100,
      logger: { log: () => {} },
    });
    const event = { type: "Counted", data: { key: "a", other: "b", n: 1 } };
    for (let n = 0; n < 6; n++) {
      await opossum.events.append(Array.from({ length: 4_000 }, () => event));
    }
    const { id } = await opossum.rebuilder.start(undefined);
    const isAtWork = async () => {
      const { progress } = await opossum.rebuilder.getRebuildStatus();
      return progress.some((each) => each.runsIn === runsIn);
    };
    while (!await isAtWork()) await setImmediate();
    assert(await opossum.rebuilder.cancel(id));
    assertEquals((await opossum.rebuilder.wait(id))?.state, "cancelled");
  });
}

Deno.test("a rebuild that is cancelled ends at once though what shares its pass rests on", async () => {
  using dir = new TempDir();
  const clock = new FakeClock();
  await using opossum = await openCapped(dir, clock);
  const { rebuilder } = opossum;
  const both = await rebuilder.start(["One", "Two"]);
  const shared = await rebuilder.start(["Two"]);
  await clock.whenSleeping();
  assert(await rebuilder.cancel(both.id));
  assertEquals((await rebuilder.getOperation(both.id))?.state, "cancelled");
  let isDone = false;
  const rebuilding = rebuilder.wait(shared.id).finally(() => isDone = true);
  while (!isDone) {
    await Promise.race([clock.whenSleeping(), rebuilding]);
    await clock.advance(100);
  }
  const [detail] = (await rebuilding)?.details ?? [];
  assert(detail?.success);
  // What was not rested then is rested later.
  assert(detail.duration >= 9_900, `took ${detail.duration} ms`);
});
