/**
 * Providers of OpenTelemetry's API that keep nothing and count how often they are called.
 *
 * @module
 */
import {
  createNoopMeter,
  type Meter,
  type MeterProvider,
  ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";

/** Counts calls of tracers, spans, meters and instruments. */
export class CallCounter {
  /** Calls so far. */
  calls = 0;

  /** To be registered for traces. */
  readonly tracerProvider: TracerProvider;
  /** To be registered for metrics. */
  readonly meterProvider: MeterProvider;

  constructor() {
    const meter = this.#counted<Meter>(createNoopMeter());
    const tracer = this.#counted<Tracer>(
      new ProxyTracerProvider().getDelegate().getTracer(""),
    );
    this.tracerProvider = { getTracer: () => tracer };
    this.meterProvider = { getMeter: () => meter };
  }

  /** Each method counts, and so do those of the objects that they return. */
  #counted<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          this.calls++;
          const result: unknown = value.apply(object, args);
          // What identifies a span is asked for often, and is no object that is called.
          return typeof result === "object" && result !== null &&
              property !== "spanContext"
            ? this.#counted(result)
            : result;
        };
      },
    });
  }
}
