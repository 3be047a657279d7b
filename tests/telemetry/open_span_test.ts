/** What is told to a span while it is open, and what is written down of it. */
import { trace } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import { ATTRIBUTES, SPAN_EVENTS, SPANS } from "../../src/telemetry/names.ts";
import { runDetached } from "../../src/telemetry/spans.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import {
  fromTraceparent,
  toTraceparent,
} from "../../src/telemetry/trace_parent.ts";
import { registerOtel } from "./otel_fixture.ts";

Deno.test("addEvent(), link() and failAs() tell a span something until it ends", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  const other = telemetry.startSpan(SPANS.append);
  const span = telemetry.startSpan(SPANS.rebuild);
  assert(span.isRecording);
  const tell = () => {
    span.addEvent(SPAN_EVENTS.batch, { [ATTRIBUTES.eventCount]: 3 });
    span.addEvent(SPAN_EVENTS.paused);
    span.link(other.context);
    // To itself, and to nothing.
    span.link(span.context);
    span.link(runDetached(() => telemetry.activeContext()));
    span.failAs("secret of user 42\n");
  };
  tell();
  span.end();
  assert(!span.isRecording);
  tell();
  const [told] = otel.spans();
  assertEquals(told?.events.map(({ name, attributes }) => [name, attributes]), [
    ["batch", { "opossum.event.count": 3 }],
    ["paused", {}],
  ]);
  assertEquals(told?.links.length, 1);
  assertEquals(told?.attributes, { "error.type": "_OTHER" });
  assertEquals(told?.status, { code: 2, message: "_OTHER" });
});

Deno.test("startSpan() takes a beginning that is past, and end() the end", async () => {
  await using otel = registerOtel();
  const startMs = 1_700_000_000_000;
  createTelemetry().startSpan(SPANS.rebuildFlush, { startMs })
    .end(startMs + 1_500);
  const [span] = otel.spans();
  assertEquals(span?.startTime, [1_700_000_000, 0]);
  assertEquals(span?.endTime, [1_700_000_001, 500_000_000]);
});

Deno.test("isTraced() and isRecording are false where nobody takes spans", async () => {
  const telemetry = createTelemetry();
  using silent = telemetry.startSpan(SPANS.rebuild, { parent: "none" });
  silent.addEvent(SPAN_EVENTS.batch);
  silent.link(silent.context);
  silent.failAs("RangeError");
  assert(!silent.isRecording && !telemetry.isTraced());
  await using _otel = registerOtel();
  assert(telemetry.isTraced());
});

Deno.test("spans do not throw where an SDK does", () => {
  const broken = () => {
    throw new Error("Out of order");
  };
  const context = { traceId: "1".repeat(32), spanId: "2".repeat(16) };
  const span = {
    spanContext: () => ({ ...context, traceFlags: 1 }),
    isRecording: broken,
    addEvent: broken,
    addLink: broken,
    setStatus: broken,
    setAttribute: broken,
    end: broken,
  };
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: () => span,
      startActiveSpan: broken,
      // deno-lint-ignore no-explicit-any -- as broken as it can be
    } as any),
  });
  const opened = createTelemetry().startSpan(SPANS.rebuild);
  assert(!opened.isRecording);
  opened.addEvent(SPAN_EVENTS.batch);
  opened.link(opened.context);
  opened.failAs("RangeError");
  opened.end();
  trace.disable();
});

Deno.test("toTraceparent() and fromTraceparent() keep where a span stands, and whether it is sampled", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  using span = telemetry.startSpan(SPANS.rebuild);
  const text = toTraceparent(span.context);
  const back = fromTraceparent(text);
  assert(back !== undefined);
  const own = trace.getSpanContext(span.context);
  const { traceId = "", spanId = "" } = own ?? {};
  const remote = { traceId, spanId, traceFlags: 1, isRemote: true };
  assertEquals(trace.getSpanContext(back), remote);
  telemetry.startSpan(SPANS.append, { parent: back }).end();
  assertEquals(otel.spans()[0]?.parentSpanContext?.spanId, own?.spanId);
  const ids = `${"a".repeat(32)}-${"b".repeat(16)}`;
  for (const flags of ["00", "01"]) {
    const context = fromTraceparent(`00-${ids}-${flags}`);
    assert(context !== undefined);
    assertEquals(toTraceparent(context), `00-${ids}-${flags}`);
  }
  const none = runDetached(() => telemetry.activeContext());
  assertEquals(toTraceparent(none), undefined);
  for (
    const wrong of [
      undefined,
      null,
      7,
      "",
      `01-${ids}-01`,
      `00-${ids}-01-more`,
      `00-${ids.toUpperCase()}-01`,
      `00-${"0".repeat(32)}-${"b".repeat(16)}-01`,
    ]
  ) {
    assertEquals(fromTraceparent(wrong), undefined);
  }
});
