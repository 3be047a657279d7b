/** How far a build is, in the words of the command line. */
import { assertEquals } from "@std/assert";
import { buildText, showOperation } from "../../src/cli/operation_progress.ts";
import type { Step } from "../../src/cli/progress.ts";
import { formatDuration } from "../../src/cli/table.ts";
import { FakeOpossum } from "../api/fake_opossum.ts";

/** A rebuild under way. */
async function running() {
  const fake = new FakeOpossum("Alpha");
  fake.endAtOnce = undefined;
  const operation = await fake.rebuilder.start(["Alpha"]);
  const [progress] = operation.progress;
  if (progress === undefined) throw new Error("The fake has no progress");
  return {
    operation,
    progress: { ...progress, position: 9, percent: 52.9, eventsPerSecond: 25 },
  };
}

Deno.test("a build is told of with phase, percent, rate and when it is about to be done", async () => {
  const { progress } = await running();
  assertEquals(
    buildText(progress),
    "scanning, 52 %, 25/s, ETA 00:00:07Z",
  );
  assertEquals(
    buildText({ ...progress, stalled: true, estimatedCompletionAt: null }),
    "scanning, stalled, 52 %, 25/s",
  );
  assertEquals(
    buildText({ ...progress, paused: true }),
    "scanning, paused, 52 %",
  );
  // All is read: what is left is folding it.
  assertEquals(
    buildText({ ...progress, position: 10, eventsPerSecond: null }),
    "making documents, 52 %, ETA 00:00:07Z",
  );
});

Deno.test("a bar is as long as the work that is done, not as the events that are read", async () => {
  const { operation, progress } = await running();
  const steps: Step[] = [];
  const show = showOperation({
    show: (step) => steps.push(step),
    [Symbol.dispose]() {},
  });
  show({ ...operation, progress: [progress] });
  assertEquals(steps, [{
    name: "Alpha",
    phase: "scanning",
    detail: ", 25/s, ETA 00:00:07Z",
    value: 9,
    total: 10,
    percent: 52.9,
  }]);
});

Deno.test("formatDuration() counts hours and minutes where seconds would be many", () => {
  const table: [number, string][] = [
    [12.4, "12 ms"],
    [59_000, "59.0 s"],
    [245_000, "4 min 5 s"],
    [7_200_000, "2 h"],
    [3_599_999, "60 min"],
    [7_500_000, "2 h 5 min"],
  ];
  for (const [ms, text] of table) assertEquals(formatDuration(ms), text);
});
