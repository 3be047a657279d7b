import { assert, assertEquals } from "@std/assert";
import { ProjectionApplyError, silentLogger } from "../../mod.ts";
import { Faults } from "../../src/projections/faults.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { FakeClock } from "../../src/testing/mod.ts";

function setUp(): { readonly faults: Faults; readonly clock: FakeClock } {
  const clock = new FakeClock();
  const faults = new Faults({
    clock,
    logger: silentLogger,
    telemetry: createTelemetry(),
  });
  return { faults, clock };
}

function fail(faults: Faults): void {
  const event = { position: 7, type: "T" };
  faults.record(
    new ProjectionApplyError("P", event, { cause: new Error("No") }),
    event,
    1,
  );
}

Deno.test("a faulted projection is tried again after a second, then ever more seldom, after five minutes at most", async () => {
  const { faults, clock } = setUp();
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
    fail(faults);
    assertEquals(faults.nextRetryAtMs(), clock.monotonicMs() + seconds * 1_000);
    await clock.advance(seconds * 1_000 - 1);
    assert(faults.isResting("P", 1, 6));
    await clock.advance(1);
    assert(!faults.isResting("P", 1, 6));
  }
  assertEquals(faults.get("P")?.attempts, 11);
});

Deno.test("a retry that is overdue is not tried in a hurry", async () => {
  const { faults, clock } = setUp();
  fail(faults);
  await clock.advance(60_000);
  assertEquals(faults.nextRetryAtMs(), clock.monotonicMs() + 1_000);
});

Deno.test("a retry that something else kept from happening comes a second later", async () => {
  const { faults, clock } = setUp();
  faults.postpone("P");
  assertEquals(faults.get("P"), null);
  fail(faults);
  await clock.advance(60_000);
  faults.postpone("P");
  assert(faults.isResting("P", 1, 6));
  assertEquals(faults.get("P")?.attempts, 1);
  await clock.advance(1_000);
  assert(!faults.isResting("P", 1, 6));
});

Deno.test("a new generation is tried at once, and one that is past the event has no fault", () => {
  const { faults } = setUp();
  fail(faults);
  assert(!faults.isResting("P", 2, 6));
  assert(faults.isResting("P", 1, 6));
  assert(!faults.isResting("P", 1, 7));
  assertEquals(faults.get("P"), null);
});
