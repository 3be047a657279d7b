/**
 * Windows that open again before, or when, they close.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { RebuildSchedule } from "../../src/daemon/schedule.ts";
import { silentLogger } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import type { UnderWay } from "../../src/rebuild/operations_under_way.ts";
import type { ProjectionRebuildResult } from "../../src/rebuild/operation.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A schedule whose rebuilds end when a test says so. */
function scheduleOf(clock: FakeClock, duration: number) {
  const begun: PromiseWithResolvers<ProjectionRebuildResult>[] = [];
  const interrupted: string[] = [];
  const end = (at: number) => begun[at]?.resolve({} as ProjectionRebuildResult);
  const schedule = new RebuildSchedule({
    windows: [{ cron: "0 * * * *", duration }],
    clock,
    logger: silentLogger,
    throttle: { cap: () => new DisposableStack() },
    onEnded: () => {},
    rebuilder: {
      startDue: () => {
        const ended = Promise.withResolvers<ProjectionRebuildResult>();
        begun.push(ended);
        const operation = { id: `${begun.length}` };
        return Promise.resolve(
          { operation, ended: ended.promise } as unknown as UnderWay,
        );
      },
      interrupt: (id) => {
        interrupted.push(id);
        end(Number(id) - 1);
        const wasUnderWay = true;
        return Promise.resolve(wasUnderWay);
      },
      untilHeld: ({ ended }) => ended,
    },
  });
  return { schedule, begun, interrupted, end };
}

for (const hours of [1, 2]) {
  Deno.test(`a window of ${hours} hours that opens every hour never closes, and interrupts nothing`, async () => {
    const clock = new FakeClock("2026-01-01T02:59:00Z");
    const { schedule, begun, interrupted, end } = scheduleOf(
      clock,
      hours * HOUR,
    );
    const stop = new AbortController();
    const running = schedule.run(stop.signal);
    await clock.advance(MINUTE);
    for (let hour = 3; hour < 8; hour++) {
      await clock.advance(HOUR);
      assert(schedule.status[0]?.isOpen);
    }
    assertEquals([begun.length, interrupted], [1, []]);
    // What ends by itself makes way for the next one.
    end(0);
    await clock.advance(HOUR);
    assertEquals([begun.length, interrupted], [2, []]);
    end(1);
    stop.abort();
    await running;
  });
}

Deno.test("a window that closes before it opens again interrupts what goes on in it", async () => {
  const clock = new FakeClock("2026-01-01T03:00:00Z");
  const { schedule, begun, interrupted } = scheduleOf(clock, 59 * MINUTE);
  const stop = new AbortController();
  const running = schedule.run(stop.signal);
  await clock.advance(59 * MINUTE - 1);
  assertEquals([begun.length, interrupted], [1, []]);
  await clock.advance(1);
  assertEquals([begun.length, interrupted], [1, ["1"]]);
  await clock.advance(MINUTE);
  assertEquals([begun.length, interrupted], [2, ["1"]]);
  await clock.advance(59 * MINUTE);
  stop.abort();
  await running;
  assertEquals(interrupted, ["1", "2"]);
});
