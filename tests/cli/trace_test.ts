/** How the command line hands on the trace of whoever runs it. */
import { propagation, trace } from "@opentelemetry/api";
import { assertEquals } from "@std/assert";
import { registerOtel } from "../telemetry/otel_fixture.ts";
import { toTraceparent } from "../../src/telemetry/trace_parent.ts";
import { clientOf, FakeServer } from "./fake_server.ts";

/** What was asked within a span, and that span. */
async function askWithin(): Promise<[string | null, string | undefined]> {
  let sent: string | null = null;
  await using server = new FakeServer(({ headers }) => {
    sent = headers.get("traceparent");
    return Response.json({});
  });
  const span = await trace.getTracer("test").startActiveSpan(
    "command",
    async (span) => {
      await clientOf(server.url).json("GET", "/admin/projections");
      span.end();
      return span.spanContext();
    },
  );
  const { traceId, spanId } = span;
  return [sent, `00-${traceId}-${spanId}-01`];
}

Deno.test("requests to a server carry the trace context of whoever asks", async () => {
  await using _otel = registerOtel();
  propagation.setGlobalPropagator({
    inject(context, carrier, setter) {
      setter.set(carrier, "traceparent", toTraceparent(context) ?? "");
    },
    extract: (context) => context,
    fields: () => ["traceparent"],
  });
  try {
    const [sent, expected] = await askWithin();
    assertEquals(sent, expected);
  } finally {
    propagation.disable();
  }
});

Deno.test("requests to a server carry none where there is none, or propagation fails", async () => {
  assertEquals((await askWithin())[0], null);
  await using _otel = registerOtel();
  propagation.setGlobalPropagator({
    inject() {
      throw new Error("Out of order");
    },
    extract: (context) => context,
    fields: () => [],
  });
  try {
    assertEquals((await askWithin())[0], null);
  } finally {
    propagation.disable();
  }
});
