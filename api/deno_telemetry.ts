/**
 * What Deno's own OpenTelemetry (`OTEL_DENO=true`) does in this process. It registers itself
 * before any code runs, and lets nobody register beside it.
 *
 * @module
 */
import { type MeterProvider, metrics, trace } from "@opentelemetry/api";

/** Where `@opentelemetry/api` and Deno keep what is registered. */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/**
 * Whether Deno exports spans: then it opens one for each request that it serves.
 *
 * @returns Whether it does.
 */
export function isTracedByDeno(): boolean {
  return trace.getTracerProvider() === Deno.telemetry.tracerProvider;
}

/**
 * Whether Deno exports metrics: then it measures the requests that it serves.
 *
 * @returns Whether it does.
 */
export function isMeasuredByDeno(): boolean {
  return metrics.getMeterProvider() === Deno.telemetry.meterProvider;
}

/**
 * Registers a meter provider where Deno's telemetry runs without metrics (`OTEL_DENO_METRICS` is
 * `false`). The API's own function refuses: Deno claims a version that no package has, so that
 * every package finds what it registered.
 *
 * @param provider What to register.
 * @returns Dispose it to take it back.
 */
export function registerBesideDeno(provider: MeterProvider): Disposable {
  const registry = (globalThis as Record<symbol, unknown>)[REGISTRY];
  const slots = registry as { metrics?: MeterProvider };
  slots.metrics = provider;
  return {
    [Symbol.dispose]() {
      if (slots.metrics === provider) delete slots.metrics;
    },
  };
}
