/**
 * Telemetry for programs that serve or rebuild: metrics for `/metrics` always, and whatever the
 * standard `OTEL_*` variables ask for. Only entry points import this module; the library itself
 * knows nothing but OpenTelemetry's API.
 *
 * | variable                                | effect                                             |
 * | --------------------------------------- | -------------------------------------------------- |
 * | `OTEL_EXPORTER_OTLP_ENDPOINT`           | traces and metrics go there                        |
 * | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`    | traces and metrics are exported, traces there      |
 * | `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`   | traces and metrics are exported, metrics there     |
 * | `OTEL_TRACES_EXPORTER`                  | `otlp`, `console`, `zipkin` or `none`              |
 * | `OTEL_METRICS_EXPORTER`                 | `otlp`, `console` or `none`                        |
 * | `OTEL_EXPORTER_OTLP_PROTOCOL`           | `http/protobuf`, `http/json` or `grpc`             |
 * | `OTEL_SERVICE_NAME`                     | replaces the name that the program gives itself    |
 * | `OTEL_SDK_DISABLED`                     | `true` turns all of it off, `/metrics` too         |
 *
 * @module
 */
import {
  context,
  diag,
  metrics as metricsApi,
  propagation,
  trace,
} from "@opentelemetry/api";
import {
  PrometheusExporter,
  PrometheusSerializer,
} from "@opentelemetry/exporter-prometheus";
import { envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  ConsoleMetricExporter,
  type IMetricReader,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";

/** How to start telemetry. */
export interface TelemetryOptions {
  /** What the program calls itself, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  /** Reads an environment variable. @default {the environment of the process} */
  readonly env?: (name: string) => string | undefined;
}

/** Telemetry that was started. */
export interface Telemetry extends AsyncDisposable {
  /** Whether spans and metrics leave this process, other than through `metrics()`. */
  readonly isExporting: boolean;
  /** The metrics in Prometheus' text format, for `createApp({ metrics })`. */
  metrics(): Promise<string>;
  /** Exports what is pending and stops. Does nothing more when called again. */
  shutdown(): Promise<void>;
}

/** Variables any of which asks for exporting. */
const EXPORT_VARIABLES = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_TRACES_EXPORTER",
  "OTEL_METRICS_EXPORTER",
] as const;

/** What stops a part of telemetry. */
type Stop = () => Promise<void>;

/**
 * Starts telemetry for this process. Call it before `openOpossum()`, and shut it down last.
 *
 * @param options The name of the program.
 * @returns What to read the metrics from, and to stop.
 *
 * @example
 * ```ts
 * import { startTelemetry } from "@opossum/deno/telemetry";
 * import { assertEquals } from "@std/assert";
 *
 * await using telemetry = await startTelemetry({
 *   serviceName: "course-management",
 *   env: () => undefined,
 * });
 * assertEquals(telemetry.isExporting, false);
 * ```
 */
export async function startTelemetry(
  { serviceName, env = Deno.env.get }: TelemetryOptions,
): Promise<Telemetry> {
  if (env("OTEL_SDK_DISABLED")?.trim().toLowerCase() === "true") {
    return telemetryOf({ isExporting: false, stop: async () => {} });
  }
  const name = env("OTEL_SERVICE_NAME") || serviceName;
  // Its own server stays off: the application answers to "/metrics".
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const isExporting = EXPORT_VARIABLES.some((variable) =>
    !["", "none"].includes(env(variable)?.trim() ?? "")
  );
  const stop = isExporting
    ? await startSdk(name, [prometheus, ...await metricReaders(env)])
    : startMetricsOnly(name, prometheus);
  return telemetryOf({ isExporting, stop, prometheus });
}

function telemetryOf({ isExporting, stop, prometheus }: {
  readonly isExporting: boolean;
  readonly stop: Stop;
  readonly prometheus?: PrometheusExporter;
}): Telemetry {
  const serializer = new PrometheusSerializer();
  let stopped: Promise<void> | undefined;
  const shutdown = () => stopped ??= stop();
  return {
    isExporting,
    async metrics() {
      if (prometheus === undefined) return "# Telemetry is disabled\n";
      const { resourceMetrics, errors } = await prometheus.collect();
      for (const error of errors) {
        diag.error("A metric was not collected", error);
      }
      // Of a text whose last line does not end, Prometheus takes nothing.
      return serializer.serialize(resourceMetrics).trimEnd() + "\n";
    },
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/** Without exporting, the large SDK is not even loaded: a start-up costs milliseconds. */
function startMetricsOnly(name: string, reader: IMetricReader): Stop {
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": name }),
    readers: [reader],
  });
  metricsApi.setGlobalMeterProvider(provider);
  return async () => {
    metricsApi.disable();
    await provider.shutdown();
  };
}

async function startSdk(
  name: string,
  readers: IMetricReader[],
): Promise<Stop> {
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ "service.name": name }),
    // The detectors of host and process would ask for permissions that serving does not need.
    resourceDetectors: [envDetector],
    metricReaders: readers,
    // Logs go where the logger writes them.
    logRecordProcessors: [],
  });
  sdk.start();
  return async () => {
    try {
      await sdk.shutdown();
    } catch (error) {
      // A collector that went away must not turn an orderly stop into a failure.
      diag.error("Telemetry could not be exported at the end", error);
    } finally {
      metricsApi.disable();
      trace.disable();
      propagation.disable();
      context.disable();
    }
  };
}

/** The readers that push metrics: `NodeSDK` takes its own or ours, not both. */
async function metricReaders(
  env: (name: string) => string | undefined,
): Promise<IMetricReader[]> {
  const names = new Set(
    (env("OTEL_METRICS_EXPORTER") || "otlp").split(",").map((name) =>
      name.trim()
    ),
  );
  const readers: IMetricReader[] = [];
  for (const name of names) {
    const exporter = name === "console"
      ? new ConsoleMetricExporter()
      : name === "otlp"
      ? await otlpExporter(env)
      : undefined;
    if (exporter !== undefined) {
      readers.push(new PeriodicExportingMetricReader({ exporter }));
    } else if (name !== "none" && name !== "prometheus") {
      diag.warn(`OTEL_METRICS_EXPORTER holds an unknown exporter: ${name}`);
    }
  }
  return readers;
}

async function otlpExporter(
  env: (name: string) => string | undefined,
): Promise<PushMetricExporter> {
  const protocol = env("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") ||
    env("OTEL_EXPORTER_OTLP_PROTOCOL");
  const { OTLPMetricExporter } = protocol === "grpc"
    ? await import("@opentelemetry/exporter-metrics-otlp-grpc")
    : protocol === "http/json"
    ? await import("@opentelemetry/exporter-metrics-otlp-http")
    : await import("@opentelemetry/exporter-metrics-otlp-proto");
  return new OTLPMetricExporter();
}
