/**
 * What the sample's server exports through the SDK that it starts, as a process of its own.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startHangingCollector } from "../support/hanging_collector.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { jsonLines, rebuildAll } from "./served_sample.ts";

Deno.test("serve exports its log records with the trace they belong to, and writes them to standard error", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    receiver.env(),
  );
  const operationId = await rebuildAll(server);
  const message = "Starting parallel rebuild of 4 projections with max " +
    "4 concurrent rebuilds";
  const isAsked = ({ body, attributes }: {
    body?: unknown;
    attributes: Readonly<Record<string, unknown>>;
  }) => body === message && attributes["opossum.operation.id"] === operationId;
  const record = (await receiver.logs((logs) => logs.some(isAsked)))
    .find(isAsked);
  const end = await server.stop();
  assert(record);
  assertEquals([record.scope, record.severity, record.severityText], [
    "@opossum/deno",
    9,
    "INFO",
  ]);
  assertEquals(record.attributes["opossum.projection.names"], [
    "CourseDetails",
    "CourseShortInfo",
    "StudentDetails",
    "StudentShortInfo",
  ]);
  const spans = await receiver.spans();
  const [asking, ...others] = spans.filter(({ kind, name }) =>
    kind === 2 && name === "POST /admin/projections/rebuild"
  );
  assertEquals(others, []);
  assertEquals(record.traceId, asking?.traceId);
  const rebuild = spans.find(({ attributes }) =>
    attributes["opossum.operation.id"] === operationId
  );
  assertEquals(rebuild?.traceId, asking?.traceId);
  // The same on standard error, where it is whole.
  const line = jsonLines(end).find((line) =>
    line.message === message && line.operationId === operationId
  );
  assertEquals([line?.traceId, line?.spanId], [record.traceId, record.spanId]);
  for (const text of receiver.texts()) assert(!text.includes("secret"));
});

Deno.test("serve exports no logs when OTEL_LOGS_EXPORTER is none, and drops what is below its level", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    {
      ...receiver.env(),
      OTEL_LOGS_EXPORTER: "none",
      OPOSSUM_LOG_LEVEL: "warn",
    },
  );
  await rebuildAll(server);
  const end = await server.stop();
  assert((await receiver.spans()).length > 0);
  assertEquals(await receiver.logs(), []);
  assertEquals(
    jsonLines(end).filter(({ level }) => level === "info" || level === "debug"),
    [],
  );
});

Deno.test("serve works and stops in time with a collector that hangs, and says that it lost something", async () => {
  await using collector = startHangingCollector();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    collector.env,
  );
  await rebuildAll(server);
  await collector.asked;
  // Status 0: one that takes too long is ended with another one.
  const end = await server.stop();
  assertStringIncludes(end.written, "could not be exported in time");
});

Deno.test("serve works and stops in time with a collector that is down, and says so once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  );
  await rebuildAll(server);
  const end = await server.stop();
  const troubles = jsonLines(end).filter(({ message }) =>
    String(message).startsWith("Telemetry")
  );
  assert(troubles.length > 0, end.written);
  assertEquals(
    troubles.map(({ level }) => level).filter((l) => l !== "warn"),
    [],
  );
});

for (
  const [name, more] of [["an SDK", {}], ["OTEL_DENO", {
    OTEL_DENO: "true",
  }]] as const
) {
  Deno.test(`serve exports no spans when OTEL_TRACES_SAMPLER is always_off, with ${name}, and logs find each other all the same`, async () => {
    await using receiver = startOtlpReceiver();
    using dir = new TempDir();
    await using server = await ServerProcess.start(
      sampleArgs(dir.file("data"), "--allow-unauthenticated"),
      { ...receiver.env(), ...more, OTEL_TRACES_SAMPLER: "always_off" },
    );
    const operationId = await rebuildAll(server);
    const end = await server.stop();
    assertEquals(await receiver.spans(), []);
    assert((await receiver.metrics()).length > 0);
    const traces = new Set(
      jsonLines(end).filter((line) => line.operationId === operationId)
        .map(({ traceId }) => traceId),
    );
    assertEquals(traces.size, 1);
    assert(!traces.has(undefined));
  });
}
