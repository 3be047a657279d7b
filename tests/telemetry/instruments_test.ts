import { assertEquals } from "@std/assert";
import { metrics } from "@opentelemetry/api";
import { DataPointType, type Histogram } from "@opentelemetry/sdk-metrics";
import { PACKAGE_NAME, VERSION } from "../../src/telemetry/manifest.ts";
import { METRICS } from "../../src/telemetry/metrics.ts";
import { ATTRIBUTES } from "../../src/telemetry/names.ts";
import { createTelemetry } from "../../src/telemetry/telemetry.ts";
import { onlyPoint, registerOtel } from "./otel_fixture.ts";

const NAME = ATTRIBUTES.projectionName;

const projectionA = {
  name: "A",
  position: 10,
  lag: 2,
  isFaulted: false,
  isStale: false,
  deadLetters: 0,
  documents: 3,
  bytes: 4_096,
};
const buildA = { name: "A", remaining: 12, isStalled: false };

Deno.test("every metric is exported with the name, unit, kind and buckets of METRICS", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  using _projections = telemetry.observeProjections(
    () => [projectionA],
  );
  using _rebuilds = telemetry.observeRebuilds(
    () => ({ active: 1, queued: 2, workers: 3, builds: [buildA] }),
  );
  using _log = telemetry.observeLog(
    () => ({ bytes: 1, segments: 1, position: 1, freeBytes: 1 }),
  );
  using _scrubs = telemetry.observeScrubs(() => 1);
  const { span: _1, startSpan: _2, activeContext: _3, ...rest } = telemetry;
  for (const instrument of Object.values(rest)) {
    if ("add" in instrument) instrument.add(1);
    if ("record" in instrument) instrument.record(1);
  }
  const collected = await otel.collect();
  const { SUM, HISTOGRAM, GAUGE } = DataPointType;
  const kinds = {
    counter: { dataPointType: SUM, isMonotonic: true },
    histogram: { dataPointType: HISTOGRAM, isMonotonic: undefined },
    observableGauge: { dataPointType: GAUGE, isMonotonic: undefined },
    observableUpDownCounter: { dataPointType: SUM, isMonotonic: false },
  };
  assertEquals(
    [...collected.keys()].sort(),
    Object.values(METRICS).map(({ name }) => name).sort(),
  );
  for (const metric of Object.values(METRICS)) {
    const data = collected.get(metric.name);
    assertEquals(data?.descriptor.unit, metric.unit);
    assertEquals(data?.descriptor.description, metric.description);
    assertEquals({
      dataPointType: data?.dataPointType,
      isMonotonic: data?.dataPointType === SUM ? data.isMonotonic : undefined,
    }, kinds[metric.kind]);
    if ("buckets" in metric) {
      const { boundaries } = (onlyPoint(data).value as Histogram).buckets;
      assertEquals(boundaries, [...metric.buckets]);
    }
  }
  assertEquals(await otel.scopes(), [`${PACKAGE_NAME}@${VERSION}`]);
});

Deno.test("METRICS bear no ids, positions or counts as attributes", () => {
  const spansOnly: string[] = [
    ATTRIBUTES.operationId,
    ATTRIBUTES.generation,
    ATTRIBUTES.positionFirst,
    ATTRIBUTES.positionLast,
    ATTRIBUTES.eventCount,
  ];
  for (const { name, attributes } of Object.values(METRICS)) {
    assertEquals(
      attributes.filter((attribute) => spansOnly.includes(attribute)),
      [],
      name,
    );
  }
});

Deno.test("a counter adds up by attributes", async () => {
  await using otel = registerOtel();
  const { rebuildEvents } = createTelemetry();
  rebuildEvents.add(40, { [NAME]: "A" });
  rebuildEvents.add(2, { [NAME]: "A" });
  const point = onlyPoint((await otel.collect()).get("opossum.rebuild.events"));
  assertEquals(point.value, 42);
  assertEquals(point.attributes, { "opossum.projection.name": "A" });
});

Deno.test("instruments find an SDK that was registered after their first use", async () => {
  const { appendEvents } = createTelemetry();
  appendEvents.add(1);
  await using otel = registerOtel();
  appendEvents.add(2);
  const collected = await otel.collect();
  assertEquals(onlyPoint(collected.get("opossum.append.events")).value, 2);
});

Deno.test("observeProjections() reports position, lag, faults and dead letters until it is disposed", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  let position = 1;
  let calls = 0;
  const observing = telemetry.observeProjections(() => {
    calls++;
    const lag = 10 - position;
    const stands = { isFaulted: true, isStale: true, deadLetters: 4 };
    return Promise.resolve([{ ...projectionA, position, lag, ...stands }]);
  });
  position = 7;
  const collected = await otel.collect();
  const point = onlyPoint(collected.get("opossum.projection.position"));
  assertEquals(point.value, 7);
  assertEquals(point.attributes, { "opossum.projection.name": "A" });
  const valueOf = (name: string) =>
    onlyPoint(collected.get(`opossum.projection.${name}`)).value;
  assertEquals(valueOf("lag"), 3);
  assertEquals(valueOf("faulted"), 1);
  assertEquals(valueOf("stale"), 1);
  assertEquals(valueOf("dead_letters"), 4);
  observing[Symbol.dispose]();
  observing[Symbol.dispose]();
  await otel.collect();
  assertEquals(calls, 1);
});

Deno.test("observeProjections() moves to an SDK that is registered later", async () => {
  const telemetry = createTelemetry();
  using _observing = telemetry.observeProjections(
    () => [{ ...projectionA, position: 5 }],
  );
  await using otel = registerOtel();
  telemetry.appendEvents.add(1);
  assertEquals(
    onlyPoint((await otel.collect()).get("opossum.projection.position")).value,
    5,
  );
});

Deno.test("observeRebuilds() reports what is rebuilt, what waits, and how far each is", async () => {
  await using otel = registerOtel();
  const builds = [{ ...buildA, isStalled: true }, { ...buildA, name: "B" }];
  using _observing = createTelemetry().observeRebuilds(
    () => ({ active: 4, queued: 9, workers: 3, builds }),
  );
  const collected = await otel.collect();
  const valuesOf = (name: string) =>
    collected.get(`opossum.rebuild.${name}`)?.dataPoints.map((
      { value, attributes },
    ) => [attributes[NAME], value]);
  assertEquals(valuesOf("active"), [[undefined, 4]]);
  assertEquals(valuesOf("queued"), [[undefined, 9]]);
  assertEquals(valuesOf("workers"), [[undefined, 3]]);
  assertEquals(valuesOf("remaining"), [["A", 12], ["B", 12]]);
  assertEquals(valuesOf("stalled"), [["A", 1], ["B", 0]]);
});

Deno.test("a failing callback costs its own metrics only", async () => {
  await using otel = registerOtel();
  const telemetry = createTelemetry();
  using _failing = telemetry.observeProjections(() => {
    throw new Error("closed");
  });
  using _rebuilds = telemetry.observeRebuilds(
    () => ({ active: 1, queued: 0, workers: 0, builds: [] }),
  );
  const collected = await otel.collect();
  assertEquals(onlyPoint(collected.get("opossum.rebuild.active")).value, 1);
});

Deno.test("instruments and observers swallow what a broken provider throws", async () => {
  await using _otel = registerOtel();
  metrics.disable();
  metrics.setGlobalMeterProvider({
    getMeter() {
      throw new Error("telemetry is broken");
    },
  });
  const telemetry = createTelemetry();
  telemetry.appendEvents.add(1);
  telemetry.appendDuration.record(0.1, { [ATTRIBUTES.errorType]: "Error" });
  using _observing = telemetry.observeProjections(() => []);
  assertEquals(telemetry.activeContext(), telemetry.activeContext());
});
