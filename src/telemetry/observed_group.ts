/**
 * Metrics that are looked at when they are collected, of all stores of the process together.
 *
 * Each store could register gauges of its own, of the same names; of two that observe the same
 * attributes, one would win. Here each is asked, and what they say is added up. SDKs go on to
 * export what was observed once, so that what is gone is observed as 0.
 *
 * @module
 */
import type {
  BatchObservableResult,
  Meter,
  Observable,
} from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import { meaning } from "./instruments.ts";
import type { MeterSource } from "./meter_source.ts";
import { type MetricDefinition, METRICS } from "./metrics.ts";
import { ATTRIBUTES } from "./names.ts";

/** The metrics that are looked at when they are collected. */
export type ObservedMetric = {
  [Key in keyof typeof METRICS]: typeof METRICS[Key]["kind"] extends
    "counter" | "histogram" ? never : Key;
}[keyof typeof METRICS];

/** One value of one metric. */
export interface Observation {
  /** The metric. */
  readonly metric: ObservedMetric;
  /** What it is now, in the metric's unit. */
  readonly value: number;
  /** The projection that it is about. @default {none} */
  readonly projection?: string;
}

/** Says what is observed now. */
export type Observer = () =>
  | Iterable<Observation>
  | Promise<Iterable<Observation>>;

/** A store's observer, and what it said last. */
interface Member {
  readonly observe: Observer;
  said: readonly Observation[];
}

/** Metrics that are observed together. */
export class ObservedGroup {
  readonly #source: MeterSource;
  readonly #metrics: readonly ObservedMetric[];
  readonly #members = new Set<Member>();
  /** Everything that the provider was told, by metric and projection. */
  readonly #told = new Map<string, Observation>();
  #registration: Disposable | undefined;

  /**
   * @param source Where the meter comes from.
   * @param metrics Which metrics.
   */
  constructor(source: MeterSource, metrics: readonly ObservedMetric[]) {
    this.#source = source;
    this.#metrics = metrics;
  }

  /**
   * Asks an observer at each collection.
   *
   * @param observe Called at each collection; one that fails is taken to say what it said last.
   * @returns Dispose it to stop: what it said is no longer counted.
   */
  add(observe: Observer): Disposable {
    const member: Member = { observe, said: [] };
    this.#members.add(member);
    // For as long as the process lives: what closed stores said is to be taken back.
    this.#registration ??= this.#source.observe((meter) =>
      this.#register(meter)
    );
    // Another SDK may have been registered since.
    harmless(() => this.#source.meter());
    return { [Symbol.dispose]: () => void this.#members.delete(member) };
  }

  #register(meter: Meter): Disposable {
    this.#told.clear();
    const instruments = new Map(
      this.#metrics.map((metric) => [metric, create(meter, METRICS[metric])]),
    );
    const observables = [...instruments.values()];
    const callback = async (result: BatchObservableResult) => {
      for (const { metric, value, projection } of await this.#observe()) {
        const instrument = instruments.get(metric);
        if (instrument === undefined) continue;
        const attributes = projection === undefined
          ? {}
          : { [ATTRIBUTES.projectionName]: projection };
        result.observe(instrument, value, attributes);
      }
    };
    meter.addBatchObservableCallback(callback, observables);
    return {
      [Symbol.dispose]: () =>
        harmless(() =>
          meter.removeBatchObservableCallback(callback, observables)
        ),
    };
  }

  /** What all of them say. Never rejects: that would cost the whole collection. */
  async #observe(): Promise<Iterable<Observation>> {
    await Promise.all([...this.#members].map(async (member) => {
      try {
        member.said = [...await member.observe()];
      } catch {
        // What it said last is nearer to the truth than nothing.
      }
    }));
    const together = new Map<string, Observation>();
    for (const { said } of this.#members) {
      for (const observation of said) {
        const key = keyOf(observation);
        const other = together.get(key);
        together.set(key, other ? merge(other, observation) : observation);
      }
    }
    for (const [key, gone] of this.#told) {
      // Of the least of nothing there is nothing to say.
      if (together.has(key) || isLeast(gone)) continue;
      together.set(key, { ...gone, value: 0 });
    }
    for (const [key, observation] of together) this.#told.set(key, observation);
    return together.values();
  }
}

function create(meter: Meter, definition: MetricDefinition): Observable {
  const { kind, name } = definition;
  return kind === "observableGauge"
    ? meter.createObservableGauge(name, meaning(definition))
    : meter.createObservableUpDownCounter(name, meaning(definition));
}

function keyOf({ metric, projection = "" }: Observation): string {
  return `${metric} ${projection}`;
}

function isLeast({ metric }: Observation): boolean {
  const definition: MetricDefinition = METRICS[metric];
  return definition.together === "least";
}

function merge(one: Observation, other: Observation): Observation {
  const value = isLeast(one)
    ? Math.min(one.value, other.value)
    : one.value + other.value;
  return { ...one, value };
}
