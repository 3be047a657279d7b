import { assert, assertEquals } from "@std/assert";
import { BuildTask } from "../../src/rebuild/build_task.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { FakeClock } from "../../src/testing/mod.ts";

function taskOn(clock: FakeClock): BuildTask {
  return new BuildTask({
    projectionName: "One",
    reason: "absent",
    priority: 0,
    target: 10,
    lock: { [Symbol.dispose]() {} },
    clock,
    context: createTelemetry().activeContext(),
  });
}

Deno.test("a build is stalled when nothing moves for ten seconds, unless it is paused or waits to be promoted", async () => {
  const clock = new FakeClock();
  const task = taskOn(clock);
  const isStalled = () => task.progress().stalled;
  const advance = (position: number) =>
    task.advance({
      position,
      target: 10,
      eventsProcessed: position,
      worked: position,
    });
  await clock.advance(20_000);
  assert(!isStalled());
  task.begin(0);
  await clock.advance(9_999);
  assert(!isStalled());
  await clock.advance(1);
  assert(isStalled());
  advance(1);
  assert(!isStalled());
  await clock.advance(9_000);
  // A sign of life that nothing comes of.
  advance(1);
  await clock.advance(1_000);
  assert(isStalled());
  task.pause("a");
  await clock.advance(20_000);
  assert(!isStalled());
  task.resume("a");
  assert(!isStalled());
  await clock.advance(10_000);
  assert(isStalled());
  task.park();
  assert(!isStalled());
  task.promote();
  await clock.advance(20_000);
  assert(!isStalled());
  task.begin(0);
  assert(!isStalled());
  await clock.advance(10_000);
  assert(isStalled());
  task.enter("catchingUp");
  assert(!isStalled());
  await clock.advance(10_000);
  assert(isStalled());
  task.succeed({ documents: 0, checkpoint: 10 });
  assert(!isStalled());
});

Deno.test("the duration of a rebuild is without its pauses", async () => {
  const clock = new FakeClock();
  const task = taskOn(clock);
  task.begin(0);
  await clock.advance(100);
  task.pause("a");
  await clock.advance(1_000);
  task.resume("a");
  await clock.advance(10);
  task.pause("a");
  await clock.advance(1_000);
  task.stop("cancelled");
  task.fail(undefined);
  assertEquals((await task.ended).duration, 110);
});
