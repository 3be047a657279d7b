/** What a trace tells of a rebuild. */
import { context, trace } from "@opentelemetry/api";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Clock, systemClock } from "../../mod.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { whenAwaiting } from "./generation_fixture.ts";
import {
  HeldEventStore,
  named,
  noted,
  only,
  openHeld,
  under,
} from "./trace_fixture.ts";

Deno.test("a rebuild tells what is planned, and where, how far and how large each projection is", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [
    countingProjection("One"),
    countingProjection("Two", { version: 7 }),
  ], { enableAutoRebuild: false });
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  const spans = otel.spans();
  const root = only(spans, "opossum.rebuild");
  assertEquals(under(spans, root), [
    "opossum.rebuild.plan",
    "opossum.rebuild.projection",
    "opossum.rebuild.projection",
  ]);
  assertEquals(root.attributes["opossum.event.count"], 20);
  const plan = only(spans, "opossum.rebuild.plan");
  assertEquals(plan.attributes, {
    "opossum.projection.count": 2,
    "opossum.event.count": 20,
  });
  assertEquals(plan.events.map(({ attributes }) => attributes), [
    {
      "opossum.projection.name": "One",
      "opossum.rebuild.reason": "absent",
      "opossum.event.count": 10,
    },
    {
      "opossum.projection.name": "Two",
      "opossum.rebuild.reason": "absent",
      "opossum.event.count": 10,
    },
  ]);
  const two = named(spans, "opossum.rebuild.projection").find((span) =>
    span.attributes["opossum.projection.name"] === "Two"
  );
  const { "opossum.projection.bytes": bytes, ...rest } = two?.attributes ?? {};
  assertGreater(Number(bytes), 0);
  assertEquals(rest, {
    "opossum.projection.name": "Two",
    "opossum.projection.version": 7,
    "opossum.projection.generation": 1,
    "opossum.projection.documents": 3,
    "opossum.rebuild.reason": "absent",
    "opossum.rebuild.outcome": "succeeded",
    "opossum.rebuild.runs_in": "process",
    "opossum.event.count": 10,
    "opossum.event.scanned": 10,
    "opossum.position.first": 1,
    "opossum.position.last": 10,
  });
  // They share a pass: it stands under the first, and the other is linked both ways.
  const scan = only(spans, "opossum.rebuild.scan");
  const scanned = { traceId: scan.spanContext().traceId };
  assertEquals(two?.links.map(({ context }) => context.spanId), [
    scan.spanContext().spanId,
  ]);
  assertEquals(scan.links.map(({ context }) => context.spanId), [
    two?.spanContext().spanId,
  ]);
  for (const span of spans.filter(({ name }) => /rebuild/.test(name))) {
    assertEquals(span.spanContext().traceId, scanned.traceId);
  }
});

/** Runs ahead with each look at it, so that a short rebuild is stored many times. */
function hastyClock(): Clock {
  let skippedMs = 0;
  return {
    now: () => new Date(),
    monotonicMs: () => performance.now() + (skippedMs += 500),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
}

/** The trace of a rebuild that goes through so many batches, with documents of so many bytes. */
async function traceOf(batches: number, bytes = 0) {
  await using otel = registerOtel();
  using dir = new TempDir();
  const options = {
    batchSize: 1,
    enableAutoRebuild: false,
    rebuildCheckpointInterval: 100,
    rebuildMemoryBytesMax: 2 ** 20,
    rebuildGoodNeighbour: false,
    clock: hastyClock(),
  };
  const filler = "x".repeat(bytes);
  const definitions = ["One", "Two"].map((name) =>
    countingProjection(name, {
      key: ({ position }) => String(position),
      apply: (_, { position }) => ({ sum: position, filler }),
    })
  );
  await using opossum = openOverMemory(dir.path, definitions, options);
  await opossum.events.append(counts(batches));
  await opossum.rebuilder.rebuildAll();
  const spans = otel.spans().filter(({ name }) => /rebuild/.test(name));
  const scan = only(spans, "opossum.rebuild.scan");
  return { spans, scan };
}

Deno.test("however long a rebuild, its spans and what is noted in them are bounded", async () => {
  const [short, long] = [await traceOf(150), await traceOf(300)];
  for (const { spans, scan } of [short, long]) {
    // Two projections of 32 flushes each, operation, plan, scan, and 3 spans each.
    assertEquals(spans.length, 2 * 32 + 3 + 2 * 3);
    assertEquals(under(spans, scan).length, 64);
    assertEquals(scan.events.length, 64);
    assertEquals(new Set(noted(scan)), new Set(["batch"]));
    assertEquals(scan.droppedEventsCount, 0);
  }
  const flushes = ({ scan }: typeof short) =>
    Number(scan.attributes["opossum.rebuild.flushes"]);
  assertGreater(flushes(short), 64);
  assertGreater(flushes(long), flushes(short));
  const steps = long.scan.events.map(({ attributes }) => attributes ?? {});
  assertEquals(steps.at(-1)?.["opossum.event.count"], 600);
  assertEquals(steps.at(-1)?.["opossum.position.last"], 300);
  assertGreater(Number(steps.at(-1)?.["opossum.event.bytes"]), 10_000);
  const positions = steps.map((step) => Number(step["opossum.position.last"]));
  assertEquals(positions, positions.toSorted((a, b) => a - b));
  const durations = long.spans.filter(({ name }) => /flush/.test(name))
    .map(({ duration: [s, ns] }) => s + ns / 1e9);
  const total = Number(long.scan.attributes["opossum.rebuild.flush.duration"]);
  assertGreater(total, durations.reduce((sum, each) => sum + each, 0));
});

Deno.test("a rebuild whose documents do not fit into memory is bounded, and tells of each time it is stored", async () => {
  // 4 MB and 8 MB of documents, of which half a megabyte is held.
  for (const batches of [256, 512]) {
    const { spans, scan } = await traceOf(batches, 8_000);
    const flushes = named(spans, "opossum.rebuild.flush");
    assertEquals(under(spans, scan).length, flushes.length);
    assert(flushes.length <= 64);
    assertGreater(flushes.length, 1);
    assertEquals(
      flushes.slice(-2).map(({ attributes }) => [
        attributes["opossum.position.last"],
        attributes["opossum.event.count"],
      ]),
      [[batches, batches], [batches, batches]],
    );
    assert(scan.events.length <= 64);
    const last = scan.events.at(-1)?.attributes;
    assertEquals(last?.["opossum.event.count"], 2 * batches);
  }
});

Deno.test("a failed rebuild tells the event it failed on, its type and the class of the error, and no more", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const broken = countingProjection("Broken", {
    apply: (_, { position }) => {
      if (position === 7) throw new RangeError("secret payload");
      return { sum: position };
    },
  });
  await using opossum = openOverMemory(dir.path, [broken], {
    enableAutoRebuild: false,
  });
  await opossum.events.append(counts(10));
  await opossum.rebuilder.rebuildAll();
  const spans = otel.spans();
  const { attributes, status, events } = only(
    spans,
    "opossum.rebuild.projection",
  );
  assertEquals([status.code, status.message], [2, "ProjectionApplyError"]);
  assertEquals(attributes["opossum.rebuild.outcome"], "failed");
  assertEquals(attributes["opossum.error.position"], 7);
  assertEquals(attributes["opossum.error.event_type"], "Counted");
  assertEquals(attributes["opossum.error.cause"], "RangeError");
  assertEquals(attributes["error.type"], "ProjectionApplyError");
  assertEquals(events.map(({ name }) => name), ["exception"]);
  const root = only(spans, "opossum.rebuild");
  assertEquals(root.status.code, 2);
  assertEquals(root.attributes["error.type"], "ProjectionApplyError");
  assertEquals(root.attributes["opossum.rebuild.outcome"], "failed");
  const told = JSON.stringify(
    spans.map(({ attributes, events, status }) => [attributes, events, status]),
  );
  assert(!told.includes("secret"), told);
});

Deno.test("what operators order is noted, and linked to what they asked with, but no part of that", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  await using opossum = openHeld(dir.path, [countingProjection("One")], events);
  await events.append(counts(10));
  const { rebuilder } = opossum;
  const tracer = trace.getTracer("test");
  /** Asks within a span, as a request does. */
  const asked = async <T>(name: string, ask: () => Promise<T>): Promise<T> =>
    await tracer.startActiveSpan(name, async (span) => {
      try {
        return await ask();
      } finally {
        span.end();
      }
    });
  events.hold();
  const { id } = await asked("start", () => rebuilder.start(["One"]));
  await events.reached;
  await asked("pause", () => rebuilder.pause(id));
  events.release();
  await asked("resume", () => rebuilder.resume(id));
  await rebuilder.wait(id);
  const spans = otel.spans();
  const [start, pause, resume] = ["start", "pause", "resume"].map((name) =>
    only(spans, name)
  );
  assert(start && pause && resume);
  assertEquals(under(spans, start), ["opossum.rebuild"]);
  assertEquals([under(spans, pause), under(spans, resume)], [[], []]);
  const root = only(spans, "opossum.rebuild");
  assertEquals(
    root.links.map(({ context }) => context.spanId),
    [pause, resume].map((span) => span.spanContext().spanId),
  );
  const projection = only(spans, "opossum.rebuild.projection");
  assertEquals(noted(projection), ["paused", "resumed"]);
});

Deno.test("a cancelled rebuild is no failed one", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  await using opossum = openHeld(dir.path, [countingProjection("One")], events);
  await events.append(counts(10));
  events.hold();
  const { id } = await opossum.rebuilder.start(["One"]);
  await events.reached;
  const cancelled = opossum.rebuilder.cancel(id);
  events.release();
  await cancelled;
  for (const name of ["opossum.rebuild", "opossum.rebuild.projection"]) {
    const { attributes, status } = only(otel.spans(), name);
    assertEquals(attributes["opossum.rebuild.outcome"], "cancelled");
    assertEquals([attributes["error.type"], status.code], [undefined, 0]);
  }
});

Deno.test("a build that stands still is noted, once for each time", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  const clock = new FakeClock();
  await using opossum = openHeld(
    dir.path,
    [countingProjection("One")],
    events,
    { clock, rebuildGoodNeighbour: false },
  );
  await events.append(counts(10));
  events.hold();
  const { id } = await opossum.rebuilder.start(["One"]);
  await events.reached;
  await clock.advance(60_000);
  events.release();
  await opossum.rebuilder.wait(id);
  const projection = only(otel.spans(), "opossum.rebuild.projection");
  assertEquals(noted(projection), ["stalled"]);
  // Nobody looks any more.
  assertEquals(clock.sleeping, 0);
});

Deno.test("a build that waits to be promoted says so, and goes on in another span of its operation", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  await using opossum = openOverMemory(dir.path, [countingProjection("One")], {
    enableAutoRebuild: false,
  });
  await opossum.events.append(counts(10));
  const { id } = await opossum.rebuilder.start(["One"], { promote: "manual" });
  await whenAwaiting(opossum, id);
  await trace.getTracer("test").startActiveSpan("promote", async (span) => {
    await opossum.rebuilder.promote(id);
    span.end();
  });
  await opossum.rebuilder.wait(id);
  const spans = otel.spans();
  const [built, promoted] = named(spans, "opossum.rebuild.projection");
  assert(built && promoted);
  assertEquals(noted(built), ["awaiting promotion"]);
  const root = only(spans, "opossum.rebuild");
  assertEquals(under(spans, root).length, 3);
  assert(under(spans, promoted).includes("opossum.rebuild.swap"));
  const promote = only(spans, "promote");
  assertEquals(under(spans, promote), []);
  assertEquals(root.links.map(({ context }) => context.spanId), [
    promote.spanContext().spanId,
  ]);
});

Deno.test("what is logged of a rebuild is logged within its spans", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const spanIds = new Map<string, string | undefined>();
  const logger = {
    log(_level: string, message: string) {
      const span = trace.getSpanContext(context.active());
      spanIds.set(message.replace(/\d+/g, "N"), span?.spanId);
    },
  };
  const opossum = openOverMemory(dir.path, [countingProjection("One")], {
    enableAutoRebuild: false,
    logger,
  });
  await opossum.events.append(counts(10));
  const tracer = trace.getTracer("test");
  await tracer.startActiveSpan("request", async (span) => {
    const { id } = await opossum.rebuilder.start(["One"]);
    await opossum.rebuilder.wait(id);
    span.end();
  });
  await opossum[Symbol.asyncDispose]();
  const [root, projection] = [
    "opossum.rebuild",
    "opossum.rebuild.projection",
  ].map((name) => only(otel.spans(), name).spanContext().spanId);
  assert(spanIds.size >= 3);
  for (const [message, spanId] of spanIds) {
    const expected = message.includes("'One'") ? projection : root;
    assertEquals([message, spanId], [message, expected]);
  }
});

Deno.test("a scan that fails tells how far it came", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  await using opossum = openHeld(dir.path, [countingProjection("One")], events);
  await events.append(counts(10));
  let batches = 0;
  events.onBatch = () => {
    if (++batches === 4) throw new RangeError("Cannot be read any further");
  };
  assert(!(await opossum.rebuilder.rebuildAll()).success);
  const { attributes, status } = only(otel.spans(), "opossum.rebuild.scan");
  assertEquals([status.message, attributes], ["RangeError", {
    "error.type": "RangeError",
    "opossum.projection.count": 1,
    "opossum.position.first": 1,
    "opossum.position.last": 6,
    "opossum.event.count": 6,
    "opossum.event.bytes": attributes["opossum.event.bytes"],
    "opossum.rebuild.flushes": 0,
    "opossum.rebuild.flush.duration": 0,
  }]);
  assertGreater(Number(attributes["opossum.event.bytes"]), 0);
});
