import { assertEquals } from "@std/assert";
import { type LogLevel, ScrubRunningError } from "../../mod.ts";
import { scrubOnSchedule } from "../../src/daemon/scrub_schedule.ts";
import { FakeClock } from "../../src/testing/mod.ts";

const DAY_MS = 86_400_000;

Deno.test("scrubOnSchedule() goes on after what fails, and calls no error that somebody scrubs already", async () => {
  const clock = new FakeClock("2026-01-01T01:00:00Z");
  const stop = new AbortController();
  const failures = [new ScrubRunningError(""), new Error("Out of the blue")];
  const levels: LogLevel[] = [];
  let scrubs = 0;
  const running = scrubOnSchedule({
    scrubSchedule: "0 2 * * *",
    scrubber: {
      scrub: () => {
        scrubs++;
        return Promise.reject(failures.shift());
      },
    },
    clock,
    logger: { log: (level) => void levels.push(level) },
  }, stop.signal);
  await clock.advance(2 * DAY_MS);
  assertEquals([scrubs, levels], [2, ["info", "error"]]);
  stop.abort();
  await running;
  assertEquals(clock.sleeping, 0);
});
