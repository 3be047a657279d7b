/** What traces tell of live updates and of looking for damage. */
import { trace } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { openOpossum, type Opossum, silentLogger } from "../../mod.ts";
import { AppendSpans, LINKS_MAX } from "../../src/telemetry/append_spans.ts";
import { SPANS } from "../../src/telemetry/names.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { FakeClock, MemoryEventStore } from "../../src/testing/mod.ts";
import {
  countingProjection,
  counts,
  openOverMemory,
} from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";

async function open(path: string): Promise<Opossum> {
  const opossum = await openOpossum({
    path,
    projections: [countingProjection("One")],
    logger: silentLogger,
  });
  await opossum.daemon.whenStarted();
  return opossum;
}

Deno.test("a live batch is linked to the appends whose events it applies, and stands in no trace of theirs", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const tracer = trace.getTracer("test");
  await tracer.startActiveSpan("request", async (request) => {
    await using opossum = await open(dir.path);
    await opossum.events.append(counts(3));
    await opossum.projections.waitFor(3);
    await opossum.events.append(counts(2));
    await opossum.projections.waitFor(5);
    request.end();
  });
  const spans = otel.spans();
  const appends = spans.filter(({ name }) => name === "opossum.append");
  const batches = spans.filter(({ name, attributes }) =>
    name === "opossum.live.batch" && attributes["opossum.event.count"] !== 0
  );
  assertEquals(
    batches.map(({ attributes, links, parentSpanContext }) => [
      parentSpanContext,
      attributes["opossum.event.count"],
      attributes["opossum.position.first"],
      attributes["opossum.position.last"],
      links.map(({ context }) => context.spanId),
    ]),
    [
      [undefined, 3, 1, 3, [appends[0]?.spanContext().spanId]],
      [undefined, 2, 4, 5, [appends[1]?.spanContext().spanId]],
    ],
  );
  const traces = new Set(spans.map((span) => span.spanContext().traceId));
  const [request] = spans.filter(({ name }) => name === "request");
  // Also the start-up rebuild of it, which nobody asked for.
  const [rebuild] = spans.filter(({ name }) => name === "opossum.rebuild");
  assert(rebuild && request && traces.size >= 4);
  assertEquals(rebuild.parentSpanContext, undefined);
});

Deno.test("a live batch that stops at an event fails, with the event's position and type, and so does each attempt", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const broken = countingProjection("One", {
    apply: (state, { data }) => {
      if (data.by === 3) throw new RangeError("secret payload");
      return { sum: (state?.sum ?? 0) + data.by };
    },
  });
  const clock = new FakeClock();
  const events = new MemoryEventStore();
  await using opossum = openOverMemory(
    dir.path,
    [broken, countingProjection("Two")],
    { clock, pollingInterval: 3_600_000 },
    events,
  );
  await opossum.daemon.start();
  await opossum.daemon.whenStarted();
  await events.append(counts(4));
  const attempted = async (times: number) => {
    const faultOf = async () => (await opossum.projections.info("One")).fault;
    while ((await faultOf())?.attempts !== times) await setImmediate();
  };
  await attempted(1);
  await opossum.projections.waitFor(4, { names: ["Two"] });
  await clock.advance(1_000);
  await attempted(2);
  await opossum[Symbol.asyncDispose]();
  const told = otel.spans().filter(({ name, attributes }) =>
    name === "opossum.live.batch" && attributes["opossum.position.last"] === 4
  ).map(({ attributes, status }) => [
    attributes["opossum.projection.name"],
    status.message,
    attributes["error.type"],
    attributes["opossum.error.position"],
    attributes["opossum.error.event_type"],
  ]).toSorted();
  const type = "ProjectionApplyError";
  assertEquals(told, [
    ["One", type, type, 3, "Counted"],
    ["One", type, type, 3, "Counted"],
    ["Two", undefined, undefined, undefined, undefined],
  ]);
  assert(!JSON.stringify(told).includes("secret"));
});

Deno.test("AppendSpans tells the last appends of a range, a bounded number of them", async () => {
  await using _otel = registerOtel();
  const telemetry = createTelemetry();
  const spans = new AppendSpans();
  const ids: string[] = [];
  const append = (first: number, last: number) => {
    using span = telemetry.startSpan(SPANS.append);
    ids[first] = trace.getSpanContext(span.context)?.spanId ?? "";
    spans.note(span, first, last);
  };
  const within = (after: number, through: number) =>
    spans.within(after, through).map((context) =>
      ids.indexOf(trace.getSpanContext(context)?.spanId ?? "")
    );
  assertEquals(within(0, 10), []);
  for (let position = 1; position <= 1_500; position += 3) {
    append(position, position + 2);
  }
  // The ranges of events, and those that begin or end within an append.
  assertEquals(within(0, 3), [1]);
  assertEquals(within(3, 9), [7, 4]);
  assertEquals(within(4, 8), [7, 4]);
  assertEquals(within(1_500, 1_600), []);
  assertEquals(within(0, 1_500).length, LINKS_MAX);
  assertEquals(within(0, 1_500)[0], 1_498);
  for (let position = 1_501; position <= 4_000; position++) {
    append(position, position);
  }
  // The oldest are forgotten.
  assertEquals(within(0, 2_900), []);
  assertEquals(within(2_980, 2_982), [2_982, 2_981]);
  assertEquals(within(3_999, 4_000), [4_000]);
});

Deno.test("AppendSpans remembers nothing while nobody takes spans", () => {
  const spans = new AppendSpans();
  using span = createTelemetry().startSpan(SPANS.append);
  spans.note(span, 1, 1);
  assertEquals(spans.within(0, 1), []);
});

Deno.test("scrub() is a span that tells how much was looked at, and how many problems were found", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  {
    await using opossum = await open(dir.path);
    await opossum.events.append(counts(30));
    await opossum.projections.waitFor(30);
    await opossum.scrub();
  }
  const file = dir.file("projections/One/000001.sqlite");
  Deno.writeTextFileSync(file, "not a database");
  {
    await using opossum = await openOpossum({
      path: dir.path,
      projections: [countingProjection("One")],
      logger: silentLogger,
      startDaemon: false,
    });
    await opossum.scrub();
  }
  const scrubs = otel.spans().filter(({ name }) => name === "opossum.scrub");
  assertEquals(
    scrubs.map(({ attributes }) => attributes),
    [0, 1].map((
      problems,
    ) => ({
      "opossum.projection.count": 1,
      "opossum.event.scanned": 30,
      "opossum.scrub.problems": problems,
    })),
  );
});
