/**
 * What the sample's server exports with Deno's own telemetry, `OTEL_DENO=true`.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startHangingCollector } from "../support/hanging_collector.ts";
import { startOtlpReceiver } from "../support/otlp_receiver.ts";
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { ROOT } from "../support/source_files.ts";
import { TempDir } from "../support/temp_dir.ts";
import { jsonLines, rebuildAll } from "./served_sample.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";

/** What belongs to Deno's telemetry alone. */
const DENO = { OTEL_DENO: "true", OTEL_SERVICE_NAME: "sample" };

Deno.test("with OTEL_DENO there is one span for each request, Deno's, with our route and with our spans below", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { ...receiver.env(), ...DENO },
  );
  const operationId = await rebuildAll(server);
  const answer = await fetch(`${server.url}/students/secret?token=secret`, {
    headers: { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` },
  });
  await answer.body?.cancel();
  const lost = await fetch(`${server.url}/nothing`);
  await lost.body?.cancel();
  const end = await server.stop();
  const spans = await receiver.spans();
  const served = spans.filter(({ kind }) => kind === 2);
  assertEquals(
    served.map(({ scope, name, attributes }) => [
      scope,
      name,
      attributes["http.route"],
    ]),
    [
      [
        "deno",
        "POST /admin/projections/rebuild",
        "/admin/projections/rebuild",
      ],
      ["deno", "GET /students/{studentId}", "/students/{studentId}"],
      ["deno", "GET", undefined],
    ],
  );
  // The caller's trace goes on.
  assertEquals(
    [served[1]?.traceId, served[1]?.parentSpanId],
    [TRACE_ID, PARENT_ID],
  );
  const rebuild = spans.find(({ attributes }) =>
    attributes["opossum.operation.id"] === operationId
  );
  assertEquals([rebuild?.traceId, rebuild?.parentSpanId], [
    served[0]?.traceId,
    served[0]?.spanId,
  ]);
  for (const { resource } of spans) {
    assertEquals(resource["telemetry.sdk.name"], "deno-opentelemetry");
  }
  // Records find their trace there, too.
  const line = jsonLines(end).find((line) =>
    line.operationId === operationId &&
    String(line.message).startsWith("Starting parallel rebuild")
  );
  assertEquals(line?.traceId, served[0]?.traceId);
});

Deno.test("with OTEL_DENO whole URLs are in Deno's own spans, and nothing of them anywhere else", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { ...receiver.env("http/json"), ...DENO, OPOSSUM_LOG_LEVEL: "debug" },
  );
  const answer = await fetch(`${server.url}/students/secret?token=secret`);
  await answer.body?.cancel();
  const end = await server.stop();
  const [span] = (await receiver.spans()).filter(({ kind }) => kind === 2);
  const { attributes } = span ?? {};
  // As docs/TELEMETRY.md warns: should Deno stop that, the page is to say so.
  assertEquals([attributes?.["url.path"], attributes?.["url.query"]], [
    "/students/secret",
    "token=secret",
  ]);
  const others = [
    (await receiver.spans()).filter((each) => each !== span),
    await receiver.metrics(),
    await receiver.logs(),
    jsonLines(end),
  ];
  assert(!JSON.stringify(others).includes("secret"));
});

Deno.test("with OTEL_DENO requests are measured once, by Deno, with our route; /metrics says why it is empty", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { ...receiver.env("http/json"), ...DENO },
  );
  await rebuildAll(server);
  const response = await fetch(`${server.url}/metrics`);
  assertStringIncludes(await response.text(), "OTEL_DENO_METRICS=false");
  await server.stop();
  const metrics = await receiver.metrics();
  const durations = metrics.filter(({ name }) =>
    name === "http.server.request.duration"
  );
  assertEquals(new Set(durations.map(({ scope }) => scope)), new Set(["deno"]));
  const counted = durations.at(-1)?.points.filter(({ attributes }) =>
    attributes["http.route"] === "/admin/projections/rebuild"
  ).map(({ count }) => count);
  assertEquals(counted, [1]);
  const ours = metrics.find(({ name }) => name === "opossum.rebuild.duration");
  assertEquals([ours?.scope, ours?.points.length], ["@opossum/deno", 4]);
});

Deno.test("with OTEL_DENO_METRICS=false Deno exports the spans, and /metrics has the metrics", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { ...receiver.env(), ...DENO, OTEL_DENO_METRICS: "false" },
  );
  await rebuildAll(server);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  await server.stop();
  assertStringIncludes(text, 'target_info{service_name="sample"} 1');
  assertStringIncludes(text, "opossum_rebuild_duration_count");
  assert(
    /^http_server_request_duration_count\{.*http_route="\/admin\/projections\/rebuild".*\} 1$/m
      .test(text),
    text,
  );
  const served = (await receiver.spans()).filter(({ kind }) => kind === 2);
  assertEquals(served.map(({ name }) => name), [
    "POST /admin/projections/rebuild",
    "GET /metrics",
  ]);
  assertEquals(await receiver.metrics(), []);
});

Deno.test("with OTEL_DENO the log's lines go to standard error whole, and to nobody else", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    { ...receiver.env(), ...DENO },
  );
  await rebuildAll(server);
  const end = await server.stop();
  const lines = jsonLines(end).map(({ message }) => message);
  assert(lines.includes("Serving HTTP"), end.written);
  const exported = (await receiver.logs()).map(({ body }) => String(body));
  assertEquals(exported.filter((body) => body.includes('"message"')), []);
});

Deno.test("with OTEL_DENO_CONSOLE=replace Deno exports the log's records with their level and trace, without what stays on the machine", async () => {
  await using receiver = startOtlpReceiver();
  using dir = new TempDir();
  // It prints nothing to wait for: that goes to the collector, too.
  const child = new Deno.Command(Deno.execPath(), {
    args: sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    cwd: ROOT,
    env: {
      OPOSSUM_ADMIN_TOKEN: "",
      ...receiver.env(),
      ...DENO,
      OTEL_DENO_CONSOLE: "replace",
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const announced = /at (http:\S+)\n/;
  const logs = await receiver.logs((logs) =>
    logs.some(({ body }) => announced.test(String(body)))
  );
  const url = logs.map(({ body }) => announced.exec(String(body))?.[1])
    .find((url) => url !== undefined) ?? "";
  const operationId = await rebuildAll({ url });
  const message = "Starting parallel rebuild of 4 projections with max " +
    "4 concurrent rebuilds";
  const isIt = ({ body }: { body: unknown }) =>
    String(body).includes(message) && String(body).includes(operationId);
  const record = (await receiver.logs((logs) => logs.some(isIt))).find(isIt);
  assertEquals(record?.severity, 9);
  const { message: said, ...attributes } = JSON.parse(String(record?.body));
  assertEquals([said, attributes["opossum.operation.id"]], [
    message,
    operationId,
  ]);
  const spans = await receiver.spans((spans) =>
    spans.some(({ name }) => name === "POST /admin/projections/rebuild")
  );
  assertEquals(
    record?.traceId,
    spans.find(({ name }) => name === "POST /admin/projections/rebuild")
      ?.traceId,
  );
  // The data folder's path, for one, is not told.
  const serving = (await receiver.logs()).find(({ body }) =>
    String(body).includes("Serving HTTP")
  );
  assertEquals(JSON.parse(String(serving?.body)), { message: "Serving HTTP" });
  child.kill("SIGTERM");
  const { code, stderr, stdout } = await child.output();
  const written = new TextDecoder().decode(stderr);
  assertEquals([code, stdout.length], [0, 0], written);
  assert(
    jsonLines({ written }).some((line) => line.operationId === operationId),
  );
});

Deno.test("with OTEL_DENO serve works and stops in time with a collector that hangs", async () => {
  await using collector = startHangingCollector();
  using dir = new TempDir();
  await using server = await ServerProcess.start(
    sampleArgs(dir.file("data"), "--allow-unauthenticated"),
    // Deno waits for its collector as long as this says, and 10 seconds by itself.
    { ...collector.env, ...DENO, OTEL_EXPORTER_OTLP_TIMEOUT: "500" },
  );
  await rebuildAll(server);
  await collector.asked;
  await server.stop();
});
