/**
 * The instruments behind {@linkcode METRICS}: bound to whichever meter provider is registered
 * when they are used, and unable to fail the caller.
 *
 * @module
 */
import {
  type BatchObservableResult,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import { PACKAGE_NAME, VERSION } from "./manifest.ts";
import { ATTRIBUTES, type MetricDefinition, METRICS } from "./names.ts";

/** The attributes that a metric may bear; any other is an error of type. */
export type MetricAttributes<Definition extends MetricDefinition> = {
  readonly [Name in Definition["attributes"][number]]?: string;
};

/** Adds up. */
export interface CounterInstrument<Definition extends MetricDefinition> {
  /**
   * Adds to the sum. Never throws.
   *
   * @param value How much, not negative, in the metric's unit.
   * @param attributes What it belongs to.
   */
  add(value: number, attributes?: MetricAttributes<Definition>): void;
}

/** Keeps a distribution. */
export interface HistogramInstrument<Definition extends MetricDefinition> {
  /**
   * Takes one measurement. Never throws.
   *
   * @param value The measurement in the metric's unit: seconds for durations.
   * @param attributes What it belongs to.
   */
  record(value: number, attributes?: MetricAttributes<Definition>): void;
}

type Instrument<Definition extends MetricDefinition> =
  Definition["kind"] extends "counter" ? CounterInstrument<Definition>
    : HistogramInstrument<Definition>;

/** The metrics that are measured where something happens. */
type MeasuredMetric = {
  [Key in keyof typeof METRICS]: typeof METRICS[Key]["kind"] extends
    "counter" | "histogram" ? Key : never;
}[keyof typeof METRICS];

/** The counters and histograms of {@linkcode METRICS}, by their key there. */
export type Instruments = {
  readonly [Key in MeasuredMetric]: Instrument<typeof METRICS[Key]>;
};

/** How far one projection is. */
export interface ProjectionObservation {
  /** The projection. */
  readonly name: string;
  /** Position up to which it has applied the log. */
  readonly position: number;
  /** Events that it has not applied yet. */
  readonly lag: number;
  /** Whether it stands still on an event. */
  readonly isFaulted: boolean;
  /** Events that it passed over. */
  readonly deadLetters: number;
}

/** How many projections are rebuilt, and wait to be. */
export interface RebuildObservation {
  /** Projections being rebuilt. */
  readonly active: number;
  /** Projections waiting. */
  readonly queued: number;
}

/** The meter of a process without an SDK. */
const SILENT_METER = createNoopMeter();

/** Asks for the meter anew when another provider was registered, and tells the observers. */
export class MeterSource {
  #provider: MeterProvider | undefined;
  #meter: Meter | undefined;
  readonly #observers = new Set<(meter: Meter) => Disposable>();
  readonly #registrations = new Map<
    (meter: Meter) => Disposable,
    Disposable
  >();

  /** The meter of the provider that is registered now. */
  meter(): Meter {
    // The metrics API, unlike that for traces, has no proxy: a meter taken before the SDK was
    // registered stays dead. Comparing providers costs some nanoseconds.
    const provider = metrics.getMeterProvider();
    if (this.#meter === undefined || provider !== this.#provider) {
      this.#provider = provider;
      this.#meter = provider.getMeter(PACKAGE_NAME, VERSION);
      for (const observer of this.#observers) this.#register(observer);
    }
    return this.#meter;
  }

  /** Whether somebody takes measurements now. */
  get isHeard(): boolean {
    return this.meter() !== SILENT_METER;
  }

  /**
   * Keeps an observer registered with the current provider.
   *
   * @param observer Registers callbacks with a meter; its result takes them back.
   * @returns Dispose it to unregister.
   */
  observe(observer: (meter: Meter) => Disposable): Disposable {
    this.#observers.add(observer);
    harmless(() => {
      this.meter();
      if (!this.#registrations.has(observer)) this.#register(observer);
    });
    return {
      [Symbol.dispose]: () => {
        this.#observers.delete(observer);
        this.#unregister(observer);
      },
    };
  }

  #register(observer: (meter: Meter) => Disposable): void {
    this.#unregister(observer);
    const meter = this.#meter;
    if (meter === undefined) return;
    harmless(() => this.#registrations.set(observer, observer(meter)));
  }

  #unregister(observer: (meter: Meter) => Disposable): void {
    const registration = this.#registrations.get(observer);
    this.#registrations.delete(observer);
    harmless(() => registration?.[Symbol.dispose]());
  }
}

/**
 * The counters and histograms.
 *
 * @param source Where the meter comes from.
 * @returns One instrument for each metric that is measured where it happens.
 */
export function createInstruments(source: MeterSource): Instruments {
  return {
    rebuildDuration: histogram(source, METRICS.rebuildDuration),
    rebuildEvents: counter(source, METRICS.rebuildEvents),
    rebuildRate: histogram(source, METRICS.rebuildRate),
    rebuildFailures: counter(source, METRICS.rebuildFailures),
    appendDuration: histogram(source, METRICS.appendDuration),
    appendEvents: counter(source, METRICS.appendEvents),
    appendConflicts: counter(source, METRICS.appendConflicts),
    liveBatchDuration: histogram(source, METRICS.liveBatchDuration),
    liveEvents: counter(source, METRICS.liveEvents),
    projectionFaults: counter(source, METRICS.projectionFaults),
  };
}

/**
 * Reports `opossum.projection.position`, `lag`, `faulted` and `dead_letters`.
 *
 * @param source Where the meter comes from.
 * @param callback Called at each collection.
 * @returns Dispose it to stop.
 */
export function observeProjections(
  source: MeterSource,
  callback: () =>
    | Iterable<ProjectionObservation>
    | Promise<Iterable<ProjectionObservation>>,
): Disposable {
  return source.observe((meter) => {
    const gauge = (definition: MetricDefinition) =>
      meter.createObservableGauge(definition.name, meaning(definition));
    const position = gauge(METRICS.projectionPosition);
    const lag = gauge(METRICS.projectionLag);
    const faulted = gauge(METRICS.projectionFaulted);
    const deadLetters = gauge(METRICS.projectionDeadLetters);
    const all = [position, lag, faulted, deadLetters];
    return observeBatch(meter, all, async (result) => {
      for (const projection of await callback()) {
        const attributes = { [ATTRIBUTES.projectionName]: projection.name };
        result.observe(position, projection.position, attributes);
        result.observe(lag, projection.lag, attributes);
        result.observe(faulted, Number(projection.isFaulted), attributes);
        result.observe(deadLetters, projection.deadLetters, attributes);
      }
    });
  });
}

/**
 * Reports `opossum.rebuild.active` and `opossum.rebuild.queued`.
 *
 * @param source Where the meter comes from.
 * @param callback Called at each collection.
 * @returns Dispose it to stop.
 */
export function observeRebuilds(
  source: MeterSource,
  callback: () => RebuildObservation,
): Disposable {
  return source.observe((meter) => {
    const { rebuildActive, rebuildQueued } = METRICS;
    const active = meter.createObservableUpDownCounter(
      rebuildActive.name,
      meaning(rebuildActive),
    );
    const queued = meter.createObservableUpDownCounter(
      rebuildQueued.name,
      meaning(rebuildQueued),
    );
    return observeBatch(meter, [active, queued], (result) => {
      const observed = callback();
      result.observe(active, observed.active);
      result.observe(queued, observed.queued);
    });
  });
}

function counter<Definition extends MetricDefinition>(
  source: MeterSource,
  definition: Definition,
): CounterInstrument<Definition> {
  const instrument = boundTo(
    source,
    (meter) => meter.createCounter(definition.name, meaning(definition)),
  );
  return {
    add: (value, attributes) =>
      harmless(() => instrument().add(value, attributes)),
  };
}

function histogram<Definition extends MetricDefinition>(
  source: MeterSource,
  definition: Definition,
): HistogramInstrument<Definition> {
  const { name, buckets = [] } = definition;
  const instrument = boundTo(source, (meter) =>
    meter.createHistogram(name, {
      ...meaning(definition),
      advice: { explicitBucketBoundaries: [...buckets] },
    }));
  return {
    record: (value, attributes) =>
      harmless(() => instrument().record(value, attributes)),
  };
}

function meaning(
  { unit, description }: MetricDefinition,
): { unit: string; description: string } {
  return { unit, description };
}

function boundTo<T>(
  source: MeterSource,
  create: (meter: Meter) => T,
): () => T {
  let boundMeter: Meter | undefined;
  let instrument: T | undefined;
  return () => {
    const meter = source.meter();
    if (instrument === undefined || meter !== boundMeter) {
      instrument = create(meter);
      boundMeter = meter;
    }
    return instrument;
  };
}

function observeBatch(
  meter: Meter,
  observables: Observable[],
  observe: (result: BatchObservableResult) => void | Promise<void>,
): Disposable {
  const callback = async (result: BatchObservableResult) => {
    try {
      await observe(result);
    } catch {
      // Without this one failing callback would cost the whole collection.
    }
  };
  meter.addBatchObservableCallback(callback, observables);
  return {
    [Symbol.dispose]: () =>
      meter.removeBatchObservableCallback(callback, observables),
  };
}
