import { metrics, trace } from "@opentelemetry/api";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { assert, assertEquals } from "@std/assert";
import { openOpossum, silentLogger } from "../../mod.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { TempDir } from "../support/temp_dir.ts";
import { registerOtel } from "./otel_fixture.ts";

Deno.test("Telemetry.isHeard() knows whether spans or metrics are taken, whenever that begins and ends", async () => {
  const telemetry = createTelemetry();
  assert(!telemetry.isHeard());
  const tracers = new TracerProvider();
  trace.setGlobalTracerProvider(tracers);
  assert(telemetry.isHeard());
  trace.disable();
  assert(!telemetry.isHeard());
  const meters = new MeterProvider();
  metrics.setGlobalMeterProvider(meters);
  assert(telemetry.isHeard());
  metrics.disable();
  assert(!telemetry.isHeard());
  await Promise.all([tracers.shutdown(), meters.shutdown()]);
});

Deno.test("Telemetry.isHeard() does not throw where a provider does", () => {
  const telemetry = createTelemetry();
  metrics.setGlobalMeterProvider({
    getMeter: () => {
      throw new Error("No meter today");
    },
  });
  assert(telemetry.isHeard());
  metrics.disable();
});

Deno.test("append() is measured from when an SDK is registered on", async () => {
  using dir = new TempDir();
  await using opossum = await openOpossum({
    path: dir.file("data"),
    logger: silentLogger,
    startDaemon: false,
  });
  await opossum.events.append([{ type: "A", data: 1 }]);
  await using otel = registerOtel();
  await opossum.events.append([{ type: "A", data: 2 }]);
  assertEquals(otel.spans().map(({ name }) => name), ["opossum.append"]);
  const sum = (await otel.collect()).get("opossum.append.events");
  assertEquals(sum?.dataPoints[0]?.value, 1);
});
