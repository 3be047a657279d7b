import { assert, assertEquals, assertMatch } from "@std/assert";
import { metrics } from "@opentelemetry/api";
import { startTelemetry } from "../../api/telemetry.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";

async function runProgram(
  env: Record<string, string>,
  ...args: string[]
): Promise<string> {
  const program = new URL("./telemetry_program.ts", import.meta.url);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--allow-env",
      "--allow-read",
      "--allow-net=127.0.0.1",
      program.href,
      ...args,
    ],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "",
      OTEL_TRACES_EXPORTER: "",
      OTEL_METRICS_EXPORTER: "",
      ...env,
    },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("startTelemetry() keeps metrics in Prometheus' format, and exports nothing unasked", async () => {
  await using telemetry = await startTelemetry({
    serviceName: "opossum-test",
    env: () => undefined,
  });
  assert(!telemetry.isExporting);
  metrics.getMeter("test").createCounter("cheese.eaten", { unit: "{piece}" })
    .add(2, { kind: "brie" });
  const text = await telemetry.metrics();
  assert(text.includes('target_info{service_name="opossum-test"} 1'));
  assertMatch(text, /^cheese_eaten_total\{kind="brie".*\} 2$/m);
});

Deno.test("startTelemetry() ends the last line of the metrics, also where there are none", async () => {
  await using telemetry = await startTelemetry({
    serviceName: "opossum-test",
    env: () => undefined,
  });
  assertMatch(await telemetry.metrics(), /[^\n]\n$/);
  metrics.getMeter("test").createCounter("cheese.eaten").add(1);
  assertMatch(await telemetry.metrics(), /[^\n]\n$/);
});

Deno.test("startTelemetry() can be started again once it was shut down", async () => {
  for (let i = 1; i <= 2; i++) {
    const telemetry = await startTelemetry({
      serviceName: "opossum-test",
      env: () => undefined,
    });
    metrics.getMeter("test").createCounter("starts").add(i);
    assertMatch(
      await telemetry.metrics(),
      new RegExp(`^starts_total\\{.*\\} ${i}$`, "m"),
    );
    await telemetry.shutdown();
    await telemetry.shutdown();
  }
});

Deno.test("startTelemetry() takes its name from OTEL_SERVICE_NAME", async () => {
  await using telemetry = await startTelemetry({
    serviceName: "opossum-test",
    env: (name) => name === "OTEL_SERVICE_NAME" ? "renamed" : undefined,
  });
  assert((await telemetry.metrics()).includes('service_name="renamed"'));
});

Deno.test("startTelemetry() does nothing when OTEL_SDK_DISABLED is true", async () => {
  await using telemetry = await startTelemetry({
    serviceName: "opossum-test",
    env: (name) => name.startsWith("OTEL_SDK") ? "true" : "http://localhost",
  });
  metrics.getMeter("test").createCounter("nothing").add(1);
  assert(!telemetry.isExporting);
  assertEquals(await telemetry.metrics(), "# Telemetry is disabled\n");
});

Deno.test("createApp() records durations of requests by route", async () => {
  const text = await runProgram({});
  assertMatch(
    text,
    /^http_server_request_duration_count\{.*http_route="\/admin\/projections\/status".*\} 1$/m,
  );
  assert(!text.includes("secret"));
});

for (const protocol of ["http/protobuf", "http/json"] as const) {
  Deno.test(`startTelemetry() exports to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, by ${protocol}`, async () => {
    await using receiver = startOtlpReceiver();
    const prometheus = await runProgram(
      receiver.env(protocol),
      `00-${TRACE_ID}-${PARENT_ID}-01`,
    );

    const [span] = await receiver.spans();
    // The request that carried a trace context continues that trace.
    assertEquals(
      [span?.name, span?.kind, span?.traceId, span?.parentSpanId],
      ["GET /admin/projections/status", 2, TRACE_ID, PARENT_ID],
    );
    assertEquals(span?.resource["service.name"], "opossum-test");
    // The query was refused, and is not told of.
    assertEquals(span?.attributes["http.response.status_code"], 400);
    // Pushed and pulled at the same time.
    const pushed = (await receiver.metrics()).find(({ name }) =>
      name === "http.server.request.duration"
    );
    assertEquals([pushed?.kind, pushed?.unit], ["histogram", "s"]);
    assert(prometheus.includes("http_server_request_duration_count"));
    for (const text of receiver.texts()) assert(!text.includes("secret"));
  });
}
