/**
 * Writes `docs/METRICS.md` from the constants that define the metrics, with the names that
 * `/metrics` really prints.
 *
 * @module
 */
import type { Meter } from "@opentelemetry/api";
import {
  PrometheusExporter,
  PrometheusSerializer,
} from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { REQUEST_DURATION_BUCKETS } from "../api/tracing.ts";
import {
  type MetricDefinition,
  type MetricKind,
  METRICS,
} from "../src/telemetry/metrics.ts";

/** The page. */
export const PAGE: URL = new URL("../docs/METRICS.md", import.meta.url);

/** What is counted by others than the library, in the same processes. */
export const OTHERS: readonly MetricDefinition[] = [
  {
    kind: "histogram",
    name: "http.server.request.duration",
    unit: "s",
    description:
      "Duration of HTTP server requests, by the admin API and what " +
      "is mounted beside it",
    attributes: [
      "http.request.method",
      "url.scheme",
      "http.response.status_code",
      "http.route",
      "error.type",
    ],
    buckets: REQUEST_DURATION_BUCKETS,
  },
];

const KINDS: Readonly<Record<MetricKind, string>> = {
  counter: "counter",
  histogram: "histogram",
  observableGauge: "gauge",
  observableUpDownCounter: "up-down counter",
};

const HEAD = `# Metrics

Made by \`deno task docs:metrics\` from \`src/telemetry/metrics.ts\`; a test says
when it is out of date.

\`serve\` prints all of them at \`/metrics\`, and pushes them by OTLP when the
standard \`OTEL_*\` variables ask for it. In a program of your own they go to
whichever OpenTelemetry SDK is registered; without one, nothing is measured.

- Prometheus prints a histogram as \`_bucket\`, \`_sum\` and \`_count\`, and dots as
  underscores, in names and labels: \`opossum_projection_name\`. No unit is
  appended. Every series also bears \`otel_scope_name="@opossum/deno"\` and
  \`otel_scope_version\`, the version of the library.
- Attributes hold names of projections and of error classes, never keys, tags,
  payloads or tokens; \`error.type\` is there only when something failed.
- Several stores in one process report one set of metrics, added up; of
  \`opossum.disk.free\`, the least.
- What a store that was closed reported becomes 0, since OpenTelemetry's SDK
  goes on exporting what it was told once; \`opossum.disk.free\` stays as it was.
- A counter with attributes appears when it first counts. In Prometheus,
  \`increase()\` misses that first count: ask for \`x unless x offset 15m\` as well.
- \`opossum.rebuild.remaining\` tells how far a rebuild is. The events of a long
  log count when they are put aside, and are folded afterwards:
  \`opossum.rebuild.events\` stands still by then.
- \`opossum.disk.free\` needs \`--allow-sys\`; without, there is none.
- \`opossum.event_loop.delay\` holds a look for each tenth of a second, also for
  those in which the loop stood still: its mean is what a request that comes at
  any time has to wait.

## Of the library

`;

const BETWEEN = `
## Of the HTTP server, and of OpenTelemetry

`;

const TAIL = `
The HTTP server's durations have the scope \`@opossum/deno/api\`; a route stands
for all of its paths. \`target_info\` is a gauge that is 1 and bears what the
process says about itself as labels: \`service_name\` and, when telemetry is
exported, what \`OTEL_RESOURCE_ATTRIBUTES\` holds.

## Buckets

`;

/**
 * The page, as it should be.
 *
 * @returns Its text.
 */
export async function metricsPage(): Promise<string> {
  const library: readonly MetricDefinition[] = Object.values(METRICS);
  return HEAD + await table(library) + BETWEEN + await table(OTHERS) + TAIL +
    buckets([...library, ...OTHERS]);
}

async function table(metrics: readonly MetricDefinition[]): Promise<string> {
  const header = [
    "metric",
    "at `/metrics`",
    "unit",
    "kind",
    "attributes",
    "meaning",
  ];
  const rows = await Promise.all(metrics.map(async (metric) => [
    code(metric.name),
    code(await prometheusName(metric)),
    code(metric.unit),
    KINDS[metric.kind],
    metric.attributes.map(code).join(", "),
    metric.description,
  ]));
  return aligned([header, ...rows]);
}

function buckets(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.filter((metric) => metric.buckets).map((
    { name, buckets = [] },
  ) => [code(name), buckets.join(", ")]);
  return aligned([["histogram", "upper bounds, in its unit"], ...rows]);
}

/** A table, its columns as wide as the formatter makes them. */
function aligned(rows: readonly (readonly string[])[]): string {
  const [header = []] = rows;
  const widths = header.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: readonly string[], fill = " ") =>
    `| ${
      cells.map((cell, i) => cell.padEnd(widths[i] ?? 0, fill)).join(" | ")
    } |\n`;
  const [, ...body] = rows;
  return line(header) + line(header.map(() => ""), "-") +
    body.map((row) => line(row)).join("");
}

function code(text: string): string {
  return `\`${text}\``;
}

/**
 * The name under which `/metrics` prints a metric.
 *
 * @param metric The metric.
 * @returns Its name; that of a histogram has a suffix besides.
 */
export async function prometheusName(
  metric: MetricDefinition,
): Promise<string> {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  measureOnce(provider.getMeter("docs"), metric);
  const { resourceMetrics } = await exporter.collect();
  const text = new PrometheusSerializer(undefined, false, undefined, true)
    .serialize(resourceMetrics);
  await provider.shutdown();
  const name = /^# TYPE (\S+) /m.exec(text)?.[1];
  if (name === undefined) throw new Error(`It prints no ${metric.name}`);
  return name;
}

function measureOnce(meter: Meter, { name, kind }: MetricDefinition): void {
  switch (kind) {
    case "counter":
      return meter.createCounter(name).add(1);
    case "histogram":
      return meter.createHistogram(name).record(1);
    case "observableGauge":
      return meter.createObservableGauge(name)
        .addCallback((result) => result.observe(1));
    case "observableUpDownCounter":
      return meter.createObservableUpDownCounter(name)
        .addCallback((result) => result.observe(1));
  }
}

if (import.meta.main) Deno.writeTextFileSync(PAGE, await metricsPage());
