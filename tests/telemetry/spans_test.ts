import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { PACKAGE_NAME, VERSION } from "../../src/telemetry/manifest.ts";
import { ATTRIBUTES, SPANS } from "../../src/telemetry/names.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { registerOtel } from "./otel_fixture.ts";

Deno.test("span() records name, scope, attributes and parent of what it runs", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  const result = await telemetry.span(SPANS.rebuild, {
    attributes: { [ATTRIBUTES.rebuildTrigger]: "cli" },
  }, async () => {
    await Promise.resolve();
    return telemetry.span(SPANS.rebuildProjection, {}, (span) => {
      span.setAttributes({ [ATTRIBUTES.eventCount]: 3 });
      return "done";
    });
  });
  assertEquals(result, "done");
  const [child, parent] = otel.spans();
  assert(child && parent);
  assertEquals(child.name, "opossum.rebuild.projection");
  assertEquals(child.attributes, { "opossum.event.count": 3 });
  assertEquals(child.parentSpanContext?.spanId, parent.spanContext().spanId);
  assertEquals(parent.name, "opossum.rebuild");
  assertEquals(parent.attributes, { "opossum.rebuild.trigger": "cli" });
  assertEquals(parent.instrumentationScope.name, PACKAGE_NAME);
  assertEquals(parent.instrumentationScope.version, VERSION);
  assertEquals(parent.status.code, SpanStatusCode.UNSET);
});

Deno.test("span() tells the class and place of an error, never its message", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  const canary = "secret-of-a-student";
  const error = new RangeError(`${canary}\n    at ${canary} (file.ts:1:1)`);
  const thrown = assertThrows(
    () =>
      telemetry.span(SPANS.append, {}, () => {
        throw error;
      }),
  );
  assertStrictEquals(thrown, error);
  const rejected = await assertRejects(
    () => telemetry.span(SPANS.append, {}, () => Promise.reject(error)),
  );
  assertStrictEquals(rejected, error);
  assertEquals(otel.spans().length, 2);
  for (const span of otel.spans()) {
    assertEquals(span.attributes, { "error.type": "RangeError" });
    assertEquals(span.status.code, SpanStatusCode.ERROR);
    const [event] = span.events;
    assertEquals(event?.name, "exception");
    assertEquals(event?.attributes?.["exception.type"], "RangeError");
    assert(
      String(event?.attributes?.["exception.stacktrace"])
        .includes("spans_test.ts"),
    );
    assert(!JSON.stringify([span.events, span.status]).includes(canary));
  }
});

Deno.test("startSpan() takes a kept context as its parent after the caller has gone", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  const kept = telemetry.span(
    SPANS.rebuild,
    {},
    () => telemetry.activeContext(),
  );
  {
    using span = telemetry.startSpan(SPANS.rebuildScan, { parent: kept });
    telemetry.runInContext(
      span.context,
      () => telemetry.span(SPANS.read, {}, () => {}),
    );
  }
  const [request, read, scan] = otel.spans();
  assertEquals(scan?.name, "opossum.rebuild.scan");
  assertEquals(
    scan?.parentSpanContext?.spanId,
    request?.spanContext().spanId,
  );
  assertEquals(read?.parentSpanContext?.spanId, scan?.spanContext().spanId);
});

Deno.test("startSpan() links to contexts that have a span, in a trace of its own", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  telemetry.span(SPANS.append, {}, () => {
    const asking = telemetry.activeContext();
    const without = trace.deleteSpan(asking);
    telemetry.startSpan(SPANS.rebuild, {
      parent: "none",
      links: [asking, without],
    }).end();
  });
  const [rebuild, request] = otel.spans();
  assertEquals(rebuild?.parentSpanContext, undefined);
  assertEquals(
    rebuild?.links.map(({ context }) => context.spanId),
    [request?.spanContext().spanId],
  );
});

Deno.test("end() ends a span once, and later calls change nothing", async () => {
  await using otel = registerOtel();
  const span = createTelemetry().startSpan(SPANS.liveBatch);
  span.end();
  span.fail(new Error("too late"));
  span.setAttributes({ [ATTRIBUTES.eventCount]: 1 });
  span.end();
  span[Symbol.dispose]();
  assertEquals(otel.spans().length, 1);
  assertEquals(otel.spans()[0]?.attributes, {});
});

Deno.test("span() finds an SDK that was registered after the first span", async () => {
  const telemetry = createTelemetry();
  assertEquals(telemetry.span(SPANS.append, {}, () => 1), 1);
  {
    await using otel = registerOtel();
    telemetry.span(SPANS.append, {}, () => 2);
    assertEquals(otel.spans().length, 1);
  }
  await using other = registerOtel();
  telemetry.span(SPANS.append, {}, () => 3);
  assertEquals(other.spans().length, 1);
});

Deno.test("span() without an SDK returns and throws what the function does", async () => {
  const telemetry = createTelemetry();
  assertEquals(await telemetry.span(SPANS.read, {}, async () => await 7), 7);
  const error = new TypeError("refused");
  assertStrictEquals(
    await assertRejects(
      () => telemetry.span(SPANS.read, {}, () => Promise.reject(error)),
    ),
    error,
  );
  using span = telemetry.startSpan(SPANS.rebuild, { parent: "none" });
  span.setAttributes({ [ATTRIBUTES.eventCount]: 1 });
  span.fail(error);
  assertEquals(telemetry.runInContext(span.context, () => 5), 5);
});

Deno.test("span() runs the function once though tracer and context manager throw", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  const broken = () => {
    throw new Error("telemetry is broken");
  };
  let runs = 0;
  context.disable();
  context.setGlobalContextManager({
    active: broken,
    with: broken,
    bind: broken,
    enable: broken,
    // The API calls it when the manager is taken back.
    disable() {
      return this;
    },
  });
  assertEquals(telemetry.span(SPANS.append, {}, () => ++runs), 1);
  context.disable();
  context.setGlobalContextManager({
    active: () => telemetry.activeContext(),
    with(_context, fn, thisArg, ...args) {
      fn.call(thisArg as never, ...args);
      throw new Error("telemetry is broken");
    },
    bind: broken,
    enable: broken,
    disable() {
      return this;
    },
  });
  trace.disable();
  trace.setGlobalTracerProvider({ getTracer: broken });
  assertEquals(telemetry.span(SPANS.append, {}, () => ++runs), 2);
  assertEquals(otel.spans().length, 0);
});
