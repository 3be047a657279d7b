import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../../mod.ts";
import { startSchedule } from "../../src/daemon/schedule.ts";

Deno.test("startSchedule() hands schedule, action and signal to the runtime's cron", async () => {
  const calls: unknown[] = [];
  const stop = new AbortController();
  let runs = 0;
  const isOn = startSchedule({
    schedule: "0 3 * * *",
    action: () => Promise.resolve(void runs++),
    signal: stop.signal,
    logger: silentLogger,
    async cron(name, schedule, { signal }, handler) {
      calls.push([name, schedule, signal === stop.signal]);
      await handler();
    },
  });
  assert(isOn);
  await Promise.resolve();
  assertEquals(calls, [["opossum rebuild", "0 3 * * *", true]]);
  assertEquals(runs, 1);
});

Deno.test("startSchedule() warns where there is no cron", () => {
  const records: string[] = [];
  const isOn = startSchedule({
    schedule: "0 3 * * *",
    action: () => Promise.resolve(),
    signal: new AbortController().signal,
    logger: { log: (level, message) => records.push(`${level}: ${message}`) },
    cron: undefined,
  });
  assert(!isOn);
  assertEquals(records.length, 1);
  assert(records[0]?.startsWith("warn: Scheduled rebuilds are off"));
});
