/** One trace for what outlasts the process that began it. */
import {
  createTraceState,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import type { RebuildOperation } from "../../mod.ts";
import type { TelemetryContext } from "../../src/telemetry/spans.ts";
import { countingProjection, counts } from "../support/course_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import {
  HeldEventStore,
  named,
  only,
  openHeld,
  under,
} from "./trace_fixture.ts";

const ONE = countingProjection("One");

/** What is written down of the only operation, or of one of several. */
function stored(dir: TempDir, id: string): Record<string, unknown> {
  const name = dir.list("operations").find((each) => each.includes(id)) ?? "";
  return JSON.parse(Deno.readTextFileSync(dir.file(`operations/${name}`)));
}

/** Begins a rebuild within a span, and ends the process, as it were, before it is done. */
async function interrupted(
  dir: TempDir,
  events: HeldEventStore,
  how: "pause" | "leave",
  caller: TelemetryContext = ROOT_CONTEXT,
): Promise<RebuildOperation> {
  const opossum = openHeld(dir.path, [ONE], events);
  await events.append(counts(10));
  events.hold();
  const operation = await trace.getTracer("test").startActiveSpan(
    "request",
    {},
    caller,
    async (span) => {
      const begun = await opossum.rebuilder.start(["One"]);
      span.end();
      return begun;
    },
  );
  await events.reached;
  if (how === "pause") await opossum.rebuilder.pause(operation.id);
  const closed = opossum[Symbol.asyncDispose]();
  events.release();
  await closed;
  return operation;
}

Deno.test("a rebuild that a restart interrupted goes on in the trace of the request that asked for it", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  const { id } = await interrupted(dir, events, "leave");
  const { traceparent } = stored(dir, id);
  {
    await using opossum = openHeld(dir.path, [ONE], events);
    await trace.getTracer("test").startActiveSpan("starting", async (span) => {
      const [resumed] = await opossum.rebuilder.resumeInterrupted();
      assert((await resumed)?.success);
      span.end();
    });
    // Where a span stands is nothing for the world.
    for (const operation of await opossum.rebuilder.listOperations()) {
      assert(!("traceparent" in operation));
    }
  }
  const spans = otel.spans();
  const [first, second] = named(spans, "opossum.rebuild");
  assert(first && second);
  const { traceId, spanId } = first.spanContext();
  assertEquals(traceparent, `00-${traceId}-${spanId}-01`);
  assertEquals(
    [first, second].map(({ attributes }) =>
      attributes["opossum.rebuild.outcome"]
    ),
    ["interrupted", "succeeded"],
  );
  const request = only(spans, "request");
  assertEquals(under(spans, request), ["opossum.rebuild"]);
  assertEquals(second.spanContext().traceId, request.spanContext().traceId);
  assertEquals(second.parentSpanContext?.spanId, spanId);
  assertEquals(second.links.map(({ context }) => context.spanId), [spanId]);
  assertEquals(second.attributes["opossum.rebuild.trigger"], "resume");
  assertEquals(under(spans, only(spans, "starting")), []);
  // It goes on with the same generation.
  const generations = named(spans, "opossum.rebuild.projection").map((
    { attributes },
  ) => attributes["opossum.projection.generation"]);
  assertEquals(generations, [1, 1]);
});

Deno.test("a paused rebuild that another process takes up stays in its trace, whoever asks for that", async () => {
  await using otel = registerOtel();
  using dir = new TempDir();
  const events = new HeldEventStore();
  const { id } = await interrupted(dir, events, "pause");
  await using opossum = openHeld(dir.path, [ONE], events);
  await trace.getTracer("test").startActiveSpan("resume", async (span) => {
    assert(await opossum.rebuilder.resume(id));
    span.end();
  });
  assert((await opossum.rebuilder.wait(id))?.success);
  const spans = otel.spans();
  const [first, second] = named(spans, "opossum.rebuild");
  assert(first && second);
  const { traceId, spanId } = first.spanContext();
  assertEquals(second.spanContext().traceId, traceId);
  assertEquals(second.parentSpanContext?.spanId, spanId);
  assertEquals(second.attributes["opossum.operation.id"], id);
  const resume = only(spans, "resume");
  assertEquals(under(spans, resume), []);
  assertEquals(second.links.map(({ context }) => context.spanId), [
    spanId,
    resume.spanContext().spanId,
  ]);
});

Deno.test("a process that nobody listens to hands the trace on, and begins none", async () => {
  using dir = new TempDir();
  const events = new HeldEventStore();
  let traceparent: unknown;
  {
    await using _otel = registerOtel();
    const { id } = await interrupted(dir, events, "pause");
    ({ traceparent } = stored(dir, id));
    assert(typeof traceparent === "string");
  }
  await using opossum = openHeld(dir.path, [ONE], events);
  const [operation] = await opossum.rebuilder.listOperations();
  const id = operation?.id ?? "";
  await opossum.rebuilder.resume(id);
  await opossum.rebuilder.wait(id);
  assertEquals(stored(dir, id).traceparent, traceparent);
  const { operationId } = await opossum.rebuilder.rebuild("One");
  assertEquals(stored(dir, operationId).traceparent, undefined);
});

for (
  const traceparent of [`00-${"0".repeat(32)}-${"0".repeat(16)}-01`, "00-1", 7]
) {
  Deno.test(`what is no trace context in a record is passed over: ${traceparent}`, async () => {
    using dir = new TempDir();
    const events = new HeldEventStore();
    const { id } = await interrupted(dir, events, "leave");
    const [name = ""] = dir.list("operations");
    const text = JSON.stringify({ ...stored(dir, id), traceparent });
    Deno.writeTextFileSync(dir.file(`operations/${name}`), text);
    await using otel = registerOtel();
    await using opossum = openHeld(dir.path, [ONE], events);
    const [resumed] = await opossum.rebuilder.resumeInterrupted();
    assert((await resumed)?.success);
    const root = only(otel.spans(), "opossum.rebuild");
    assertEquals([root.parentSpanContext, root.links], [undefined, []]);
  });
}

for (const how of ["leave", "pause"] as const) {
  Deno.test(`what other systems say of a trace outlasts the process with it (${how})`, async () => {
    await using otel = registerOtel();
    using dir = new TempDir();
    const events = new HeldEventStore();
    const said = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";
    const caller = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
      traceState: createTraceState(said),
      isRemote: true,
    });
    const { id } = await interrupted(dir, events, how, caller);
    assertEquals(stored(dir, id).tracestate, said);
    await using opossum = openHeld(dir.path, [ONE], events);
    for (const operation of await opossum.rebuilder.listOperations()) {
      assert(!("tracestate" in operation));
    }
    if (how === "leave") {
      const [resumed] = await opossum.rebuilder.resumeInterrupted();
      assert((await resumed)?.success);
    } else {
      await opossum.rebuilder.resume(id);
      assert((await opossum.rebuilder.wait(id))?.success);
    }
    assertEquals(
      named(otel.spans(), "opossum.rebuild").map((span) =>
        span.spanContext().traceState?.serialize()
      ),
      [said, said],
    );
  });
}
