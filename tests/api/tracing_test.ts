import { assert, assertEquals } from "@std/assert";
import {
  context,
  createNoopMeter,
  INVALID_SPAN_CONTEXT,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { createApp } from "../../api/mod.ts";
import { FakeOpossum } from "./fake_opossum.ts";
import { ask, TOKEN } from "./requests.ts";

/** Collects the spans of this process while it is in use. */
class Spans implements Disposable {
  readonly #exporter = new InMemorySpanExporter();

  constructor() {
    const processor = new SimpleSpanProcessor({ exporter: this.#exporter });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [processor] }),
    );
  }

  get finished(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  [Symbol.dispose](): void {
    trace.disable();
    context.disable();
  }
}

Deno.test("createApp() opens a server span for each request, named after its route", async () => {
  using spans = new Spans();
  const opossum = new FakeOpossum("CourseDetails");
  const app = createApp({ opossum, auth: { tokens: [TOKEN] } });
  const table: [string, string, string, string | undefined, number][] = [
    ["GET", "/healthz", "GET /healthz", "/healthz", 200],
    [
      "GET",
      `/admin/plan?token=${TOKEN}`,
      "GET /admin/plan",
      "/admin/plan",
      400,
    ],
    [
      "POST",
      "/admin/projections/CourseDetails/rebuild",
      "POST /admin/projections/{projectionName}/rebuild",
      "/admin/projections/{projectionName}/rebuild",
      200,
    ],
    ["GET", "/nothing/1", "GET", undefined, 404],
    ["PUT", "/healthz", "PUT", undefined, 405],
    ["BREW", "/healthz", "_OTHER", undefined, 405],
  ];
  for (const [method, path] of table) {
    await (await ask(app, method, path)).body?.cancel();
  }
  assertEquals(
    spans.finished.map(({ name, kind, attributes }) => [
      name,
      kind,
      attributes["http.route"],
      attributes["http.response.status_code"],
    ]),
    table.map(([, , name, route, status]) => [
      name,
      SpanKind.SERVER,
      route,
      status,
    ]),
  );
  const text = JSON.stringify(
    spans.finished.map(({ name, attributes }) => [name, attributes]),
  );
  assert(!text.includes(TOKEN));
});

Deno.test("createApp() marks the span of a server's failure, not of a client's", async () => {
  using spans = new Spans();
  const opossum = new FakeOpossum("CourseDetails");
  opossum.statusError = new Error("Out of cheese");
  const app = createApp({ opossum, auth: { tokens: [TOKEN] } });
  for (const path of ["/admin/projections/status", "/admin/projections/X"]) {
    await (await ask(app, "GET", path)).body?.cancel();
  }
  assertEquals(
    spans.finished.map(({ status, attributes }) => [
      status.code,
      attributes["error.type"],
    ]),
    [[SpanStatusCode.ERROR, "500"], [SpanStatusCode.UNSET, undefined]],
  );
});

Deno.test("createApp() makes the span active for what the request starts", async () => {
  using spans = new Spans();
  const opossum = new FakeOpossum("CourseDetails");
  const app = createApp({ opossum, auth: { tokens: [TOKEN] } });
  let active: string | undefined;
  const { start } = opossum.rebuilder;
  opossum.rebuilder.start = (names, options) => {
    active = trace.getActiveSpan()?.spanContext().spanId;
    return start(names, options);
  };
  const response = await ask(app, "POST", "/admin/projections/rebuild");
  await response.body?.cancel();
  assertEquals(active, spans.finished[0]?.spanContext().spanId);
  assert(active !== undefined);
});

Deno.test("requests are served, once each, though tracer, meter and context manager throw", async () => {
  const fail = (): never => {
    throw new Error("Broken telemetry");
  };
  const span = new Proxy(trace.wrapSpanContext(INVALID_SPAN_CONTEXT), {
    get: () => fail,
  });
  const app = () =>
    createApp({
      opossum: new FakeOpossum("CourseDetails"),
      auth: { tokens: [TOKEN] },
    });
  const broken = {
    "a tracer": () =>
      void trace.setGlobalTracerProvider({
        getTracer: () => ({ startSpan: fail, startActiveSpan: fail }),
      }),
    "a span": () =>
      void trace.setGlobalTracerProvider({
        getTracer: () => ({ startSpan: () => span, startActiveSpan: fail }),
      }),
    "a meter": () =>
      void metrics.setGlobalMeterProvider({
        getMeter: () => ({ ...createNoopMeter(), createHistogram: fail }),
      }),
    "an instrument": () =>
      void metrics.setGlobalMeterProvider({
        getMeter: () => ({
          ...createNoopMeter(),
          createHistogram: () => ({ record: fail }),
        }),
      }),
    "a context manager": () =>
      void context.setGlobalContextManager({
        active: () => ROOT_CONTEXT,
        with(_context, fn, self, ...args) {
          fn.call(self, ...args);
          return fail();
        },
        bind: (_context, target) => target,
        enable() {
          return this;
        },
        disable() {
          return this;
        },
      }),
  };
  for (const [what, register] of Object.entries(broken)) {
    register();
    try {
      const response = await ask(app(), "GET", "/healthz");
      assertEquals([what, response.status], [what, 200]);
      await response.body?.cancel();
    } finally {
      trace.disable();
      metrics.disable();
      context.disable();
    }
  }
});
