/**
 * An OpenTelemetry SDK that keeps what it gets in memory.
 *
 * The API's registry is global: tests that use it must not run at the same time in one process.
 * Test files have a process of their own, and the tests in a file run one after the other.
 *
 * @module
 */
import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  type DataPoint,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** What the SDK got. */
export interface OtelFixture extends AsyncDisposable {
  /** The spans that have ended, in that order. */
  spans(): ReadableSpan[];
  /** The metrics as of now, by name. */
  collect(): Promise<Map<string, MetricData>>;
  /** Names and versions of the instrumentation scopes of the metrics. */
  scopes(): Promise<string[]>;
}

/** Registers the SDK; disposing it takes everything back. */
export function registerOtel(): OtelFixture {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const reader = new PulledReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(
    new AsyncLocalStorageContextManager().enable(),
  );
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  return {
    spans: () => exporter.getFinishedSpans(),
    async collect() {
      const { resourceMetrics } = await reader.collect();
      return new Map(
        resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
          .map((metric) => [metric.descriptor.name, metric]),
      );
    },
    async scopes() {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics
        .map(({ scope }) => `${scope.name}@${scope.version}`);
    },
    async [Symbol.asyncDispose]() {
      trace.disable();
      metrics.disable();
      context.disable();
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}

/** The only data point of a metric. */
export function onlyPoint(
  metric: MetricData | undefined,
): DataPoint<number | Histogram> {
  const points = (metric?.dataPoints ?? []) as DataPoint<number | Histogram>[];
  const [point] = points;
  if (point === undefined || points.length > 1) {
    throw new Error(
      `Expected one data point of ${metric?.descriptor.name}: found ${points.length}`,
    );
  }
  return point;
}

class PulledReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
