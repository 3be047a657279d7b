import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { systemClock } from "../../mod.ts";

Deno.test("systemClock.sleep() returns at once when the signal is aborted already", async () => {
  await systemClock.sleep(3_600_000, AbortSignal.abort());
});

Deno.test("systemClock.sleep() ends early, without an error and without a timer left, when the signal aborts", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(3_600_000, controller.signal);
  controller.abort(new Error("Not an error for those who sleep"));
  assertEquals(await sleeping, undefined);
});

Deno.test("systemClock.sleep() sleeps, and lets go of its signal", async () => {
  const controller = new AbortController();
  await systemClock.sleep(0, controller.signal);
  controller.abort();
});

Deno.test("systemClock tells the time, and never goes back", () => {
  const before = systemClock.monotonicMs();
  assert(!Number.isNaN(systemClock.now().getTime()));
  assertGreaterOrEqual(systemClock.monotonicMs(), before);
});
