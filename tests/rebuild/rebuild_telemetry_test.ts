import { assert, assertEquals } from "@std/assert";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { whenAwaiting } from "./generation_fixture.ts";

Deno.test("a rebuild is one trace: operation, projections, phases", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const broken = countingProjection("Broken", {
    apply: () => {
      throw new RangeError("secret payload");
    },
  });
  await using opossum = openOverMemory(dir.path, [
    countingProjection("One"),
    broken,
  ]);
  await opossum.events.append(counts(10));
  const { operationId } = await opossum.rebuilder.rebuildAll();
  const spans = otel.spans();
  const root = spans.find(({ name }) => name === "opossum.rebuild");
  assert(root);
  assertEquals(root.attributes["opossum.operation.id"], operationId);
  assertEquals(root.attributes["opossum.rebuild.outcome"], "failed");
  const projections = spans.filter(({ name }) =>
    name === "opossum.rebuild.projection"
  );
  assertEquals(projections.length, 2);
  for (const span of projections) {
    assertEquals(span.parentSpanContext?.spanId, root.spanContext().spanId);
  }
  const one = projections.find((span) =>
    span.attributes["opossum.projection.name"] === "One"
  );
  assertEquals(one?.attributes["opossum.event.count"], 10);
  const phases = spans.filter(({ parentSpanContext }) =>
    parentSpanContext?.spanId === one?.spanContext().spanId
  ).map(({ name }) => name);
  assertEquals(phases.filter((name) => name !== "opossum.rebuild.scan"), [
    "opossum.rebuild.catch_up",
    "opossum.rebuild.swap",
  ]);
  assert(
    !JSON.stringify(spans.map(({ attributes }) => attributes)).includes(
      "secret",
    ),
  );
});

Deno.test("comparing is a span of its own, which is told nothing of documents, and waiting is none", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  const { rebuilder, events } = opossum;
  await events.append([{
    type: "Counted",
    data: { key: "secret-key", by: 98_765 },
  }]);
  await rebuilder.rebuildAll();
  const options = { verify: true, promote: "manual" } as const;
  const { id } = await rebuilder.start(["One"], options);
  const waiting = await whenAwaiting(opossum, id);
  assertEquals(waiting.progress[0]?.comparison?.unchanged, 1);
  // Its span does not stay open for as long as it waits.
  const ended = otel.spans().filter(({ attributes }) =>
    attributes["opossum.rebuild.outcome"] === "awaitingPromotion"
  );
  assertEquals(ended.length, 1);
  await rebuilder.promote(id);
  await rebuilder.wait(id);
  const spans = otel.spans();
  assertEquals(
    spans.filter(({ name }) => name === "opossum.rebuild.verify").length,
    1,
  );
  const told = JSON.stringify(
    spans.map(({ name, attributes, events }) => [name, attributes, events]),
  );
  assert(!/secret|98765/.test(told), told);
});

Deno.test("a rebuild is counted and timed by projection and outcome", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  const metrics = await otel.collect();
  const point = (name: string) => metrics.get(name)?.dataPoints[0];
  assertEquals(point("opossum.rebuild.events")?.value, 10);
  assertEquals(point("opossum.rebuild.duration")?.attributes, {
    "opossum.projection.name": "One",
    "opossum.rebuild.trigger": "code",
    "opossum.rebuild.outcome": "succeeded",
  });
  assertEquals(point("opossum.projection.position")?.value, 10);
  assertEquals(point("opossum.projection.lag")?.value, 0);
  assertEquals(point("opossum.rebuild.active")?.value, 0);
});

Deno.test("results and operations are frozen JSON", async () => {
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")]);
  await opossum.events.append(counts(3));
  const result = await opossum.rebuilder.rebuildAll();
  assertEquals(JSON.parse(JSON.stringify(result)), result);
  assert(Object.isFrozen(result) && Object.isFrozen(result.details));
  assert(Object.isFrozen(result.details[0]));
  assertEquals(result.startedAt, new Date(result.startedAt).toISOString());
  const operation = await opossum.rebuilder.getOperation(result.operationId);
  assertEquals(operation?.result, result);
});
