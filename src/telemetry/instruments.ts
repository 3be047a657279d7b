/**
 * The counters and histograms behind {@linkcode METRICS}: bound to whichever meter provider is
 * registered when they are used, and unable to fail the caller.
 *
 * @module
 */
import type { Meter } from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import type { MeterSource } from "./meter_source.ts";
import { type MetricDefinition, METRICS } from "./metrics.ts";

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
    rebuildBytes: counter(source, METRICS.rebuildBytes),
    rebuildRate: histogram(source, METRICS.rebuildRate),
    rebuildFailures: counter(source, METRICS.rebuildFailures),
    appendDuration: histogram(source, METRICS.appendDuration),
    appendEvents: counter(source, METRICS.appendEvents),
    appendConflicts: counter(source, METRICS.appendConflicts),
    appendBatchSize: histogram(source, METRICS.appendBatchSize),
    logSyncDuration: histogram(source, METRICS.logSyncDuration),
    liveBatchDuration: histogram(source, METRICS.liveBatchDuration),
    liveEvents: counter(source, METRICS.liveEvents),
    projectionFaults: counter(source, METRICS.projectionFaults),
    eventLoopDelay: histogram(source, METRICS.eventLoopDelay),
  };
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

/**
 * What every instrument is created with.
 *
 * @param definition The metric.
 * @returns The options for the meter.
 */
export function meaning(
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
