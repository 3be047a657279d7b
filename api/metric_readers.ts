/**
 * What pushes metrics, as the standard variables ask.
 *
 * @module
 */
import { diag } from "@opentelemetry/api";
import {
  ConsoleMetricExporter,
  type IMetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { type Env, metricTiming } from "./telemetry_variables.ts";

/**
 * The readers that push metrics: `NodeSDK` takes its own or ours, not both.
 *
 * @param env Reads the environment.
 * @returns One for each exporter.
 */
export async function metricReaders(env: Env): Promise<IMetricReader[]> {
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
      readers.push(
        new PeriodicExportingMetricReader({ exporter, ...metricTiming(env) }),
      );
    } else if (name !== "none" && name !== "prometheus") {
      diag.warn(`OTEL_METRICS_EXPORTER holds an unknown exporter: ${name}`);
    }
  }
  return readers;
}

async function otlpExporter(env: Env): Promise<PushMetricExporter> {
  const protocol = env("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") ||
    env("OTEL_EXPORTER_OTLP_PROTOCOL");
  const { OTLPMetricExporter } = protocol === "grpc"
    ? await import("@opentelemetry/exporter-metrics-otlp-grpc")
    : protocol === "http/json"
    ? await import("@opentelemetry/exporter-metrics-otlp-http")
    : await import("@opentelemetry/exporter-metrics-otlp-proto");
  return new OTLPMetricExporter();
}
