/**
 * Telemetry for programs that serve or rebuild: metrics for `/metrics` always, and whatever the
 * standard `OTEL_*` variables ask for. Only entry points import this module; the library itself
 * knows nothing but OpenTelemetry's API. `docs/TELEMETRY.md` says what there is to see.
 *
 * | variable                                | effect                                             |
 * | --------------------------------------- | -------------------------------------------------- |
 * | `OTEL_EXPORTER_OTLP_ENDPOINT`           | traces, metrics and logs go there                  |
 * | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`    | traces and metrics are exported, traces there      |
 * | `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`   | traces and metrics are exported, metrics there     |
 * | `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`      | all three are exported, logs there                 |
 * | `OTEL_TRACES_EXPORTER`                  | `otlp`, `console`, `zipkin` or `none`              |
 * | `OTEL_METRICS_EXPORTER`                 | `otlp`, `console` or `none`                        |
 * | `OTEL_LOGS_EXPORTER`                    | `otlp`, `console` or `none`                        |
 * | `OTEL_EXPORTER_OTLP_PROTOCOL`           | `http/protobuf`, `http/json` or `grpc`             |
 * | `OTEL_TRACES_SAMPLER`                   | which traces are taken, such as `traceidratio`     |
 * | `OTEL_SERVICE_NAME`                     | replaces the name that the program gives itself    |
 * | `OTEL_SDK_DISABLED`                     | `true` turns all of it off, `/metrics` too         |
 * | `OTEL_DENO`                             | `true`: Deno's own telemetry exports, not this one |
 *
 * @module
 */
import {
  context,
  diag,
  logs,
  metrics as metricsApi,
  propagation,
  trace,
} from "@opentelemetry/api";
import {
  PrometheusExporter,
  PrometheusSerializer,
} from "@opentelemetry/exporter-prometheus";
import { envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { type IMetricReader, MeterProvider } from "@opentelemetry/sdk-metrics";
import { createOtelLogger, type Logger, silentLogger } from "../mod.ts";
import {
  isMeasuredByDeno,
  isTracedByDeno,
  registerBesideDeno,
} from "./deno_telemetry.ts";
import { assertInteger } from "./integer_option.ts";
import { metricReaders } from "./metric_readers.ts";
import { withoutSecrets } from "./telemetry_secrets.ts";
import { isDoneWithin, tellOfTroubles } from "./telemetry_troubles.ts";
import {
  asksForExport,
  asksForLogs,
  type Env,
  isDenoTelemetryOn,
  isDisabled,
} from "./telemetry_variables.ts";

export {
  createProgramLogger,
  type ProgramLoggerOptions,
} from "./program_logger.ts";
export { createOtelLogger };

/** How to start telemetry. */
export interface TelemetryOptions {
  /** What the program calls itself, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string;
  /** Reads an environment variable. @default {the environment of the process} */
  readonly env?: (name: string) => string | undefined;
  /**
   * Told when something cannot be exported; a logger that does not export itself.
   * @default {nobody is}
   */
  readonly logger?: Logger;
  /**
   * How long the end may take to export what is pending, in milliseconds: 1 to 600,000. What is
   * not exported by then is lost. @default {3_000}
   */
  readonly shutdownTimeoutMs?: number;
}

/** Telemetry that was started. */
export interface Telemetry extends AsyncDisposable {
  /** Whether spans and metrics leave this process, other than through `metrics()`. */
  readonly isExporting: boolean;
  /** The metrics in Prometheus' text format, for `createApp({ metrics })`. */
  metrics(): Promise<string>;
  /**
   * Exports what is pending and stops, within `shutdownTimeoutMs`. Never rejects. Does nothing
   * more when called again.
   */
  shutdown(): Promise<void>;
}

/** What stops a part of telemetry. */
type Stop = () => Promise<void>;

/**
 * Starts telemetry for this process. Call it before `openOpossum()`, and shut it down last. A
 * collector that is down, slow or hangs slows nothing down and fails nothing.
 *
 * With Deno's own telemetry (`OTEL_DENO=true`) it starts no SDK, as Deno exports what this would.
 *
 * @param options The name of the program.
 * @returns What to read the metrics from, and to stop.
 * @throws {RangeError} If `shutdownTimeoutMs` is out of range.
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
  options: TelemetryOptions,
): Promise<Telemetry> {
  const { serviceName, env = Deno.env.get } = options;
  const logger = withoutSecrets(options.logger ?? silentLogger, env);
  const { shutdownTimeoutMs = 3_000 } = options;
  assertInteger(shutdownTimeoutMs, {
    action: "start telemetry",
    name: "shutdownTimeoutMs",
    min: 1,
    max: 600_000,
  });
  const common = { logger, shutdownTimeoutMs };
  if (isDisabled(env)) {
    return telemetryOf({
      ...common,
      isExporting: false,
      stop: async () => {},
      metrics: "# Telemetry is disabled\n",
    });
  }
  if (isMeasuredByDeno()) {
    return telemetryOf({
      ...common,
      isExporting: true,
      stop: async () => {},
      metrics: "# Deno exports the metrics (OTEL_DENO=true): " +
        "set OTEL_DENO_METRICS=false to read them here instead\n",
    });
  }
  const name = env("OTEL_SERVICE_NAME") || serviceName;
  // Its own server stays off: the application answers to "/metrics".
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  if (isDenoTelemetryOn(env)) {
    return telemetryOf({
      ...common,
      isExporting: isTracedByDeno(),
      stop: startMetricsOnly(name, prometheus, { besideDeno: true }),
      metrics: prometheus,
    });
  }
  const sdk = asksForExport(env)
    ? await tryStartSdk({ name, env, logger, prometheus })
    : undefined;
  return telemetryOf({
    ...common,
    isExporting: sdk !== undefined,
    stop: sdk ?? startMetricsOnly(name, prometheus),
    metrics: prometheus,
  });
}

function telemetryOf({ isExporting, stop, metrics, ...settings }: {
  readonly isExporting: boolean;
  readonly stop: Stop;
  /** Where they are read from, or why they are not. */
  readonly metrics: PrometheusExporter | string;
  readonly logger: Logger;
  readonly shutdownTimeoutMs: number;
}): Telemetry {
  const { logger, shutdownTimeoutMs } = settings;
  const serializer = new PrometheusSerializer();
  let stopped: Promise<void> | undefined;
  const end = async () => {
    try {
      if (await isDoneWithin(stop(), shutdownTimeoutMs)) return;
      logger.log(
        "warn",
        "Telemetry could not be exported in time at the end: what was pending is lost",
        { durationMs: shutdownTimeoutMs },
      );
    } catch (error) {
      // A collector that went away must not turn an orderly stop into a failure.
      logger.log("warn", "Telemetry could not be exported at the end", {
        error,
      });
    }
  };
  const shutdown = () => stopped ??= end();
  return {
    isExporting,
    async metrics() {
      if (typeof metrics === "string") return metrics;
      const { resourceMetrics, errors } = await metrics.collect();
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
function startMetricsOnly(
  name: string,
  reader: IMetricReader,
  { besideDeno = false } = {},
): Stop {
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": name }),
    readers: [reader],
  });
  const isRegistered = metricsApi.setGlobalMeterProvider(provider);
  const beside = besideDeno && !isRegistered
    ? registerBesideDeno(provider)
    : undefined;
  return async () => {
    if (beside) beside[Symbol.dispose]();
    else metricsApi.disable();
    await provider.shutdown();
  };
}

interface SdkSettings {
  readonly name: string;
  readonly env: Env;
  readonly logger: Logger;
  readonly prometheus: IMetricReader;
}

/** What cannot be exported must not keep anybody from serving. */
async function tryStartSdk(settings: SdkSettings): Promise<Stop | undefined> {
  try {
    return await startSdk(settings);
  } catch (error) {
    settings.logger.log("error", "Telemetry could not be started", { error });
    return undefined;
  }
}

async function startSdk(
  { name, env, logger, prometheus }: SdkSettings,
): Promise<Stop> {
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  // With this variable set, the SDK prints them.
  if (!env("OTEL_LOG_LEVEL")) tellOfTroubles(logger);
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ "service.name": name }),
    // The detectors of host and process would ask for permissions that serving does not need.
    resourceDetectors: [envDetector],
    metricReaders: [prometheus, ...await metricReaders(env)],
    // Else it looks at the environment by itself.
    ...asksForLogs(env) ? {} : { logRecordProcessors: [] },
  });
  sdk.start();
  return async () => {
    try {
      await sdk.shutdown();
    } finally {
      metricsApi.disable();
      trace.disable();
      logs.disable();
      propagation.disable();
      context.disable();
      diag.disable();
    }
  };
}
