/**
 * Telemetry: one object for spans and metrics, made once for each Opossum and handed down. It
 * rests on `@opentelemetry/api` alone: without an SDK in the process it does next to nothing.
 *
 * @module
 */
import { AppendSpans } from "./append_spans.ts";
import { EventLoopDelay } from "./event_loop_delay.ts";
import { createInstruments, type Instruments } from "./instruments.ts";
import { MeterSource } from "./meter_source.ts";
import type { SpanName } from "./names.ts";
import { createObservers, type Observers } from "./observers.ts";
import {
  activeContext,
  type OpenSpan,
  runInContext,
  runInSpan,
  type SpanOptions,
  startSpan,
  type TelemetryContext,
  TracerSource,
} from "./spans.ts";

/**
 * Spans and metrics. The counters and histograms are its fields, named as in `METRICS`. Nothing
 * here throws, but for what a function that it was given throws.
 */
export interface Telemetry extends Instruments, Observers {
  /** Whether anybody takes spans or metrics now: if not, hot paths need not measure. */
  isHeard(): boolean;

  /** Whether anybody takes spans now. */
  isTraced(): boolean;

  /** The spans of the last appends, while anybody takes spans. */
  readonly appendSpans: AppendSpans;

  /**
   * Runs a function within a span: the span is active meanwhile, fails when the function does,
   * and ends with it.
   *
   * @param name The span's name.
   * @param options Attributes, parent and links.
   * @param fn What to run; may be asynchronous.
   * @returns What `fn` returned.
   */
  span<T>(
    name: SpanName,
    options: SpanOptions,
    fn: (span: OpenSpan) => T,
  ): T;

  /**
   * Opens a span that outlives the calling function. End it in a `finally`, or take it with
   * `using`. It is not made active: hand on its `context`.
   */
  startSpan(name: SpanName, options?: SpanOptions): OpenSpan;

  /** The caller's context, to give later work as `parent` or in `links`. */
  activeContext(): TelemetryContext;

  /** Runs a function with a context active that was kept from earlier. */
  runInContext<T>(context: TelemetryContext, fn: () => T): T;

  /**
   * Measures how late the event loop is, while anybody takes metrics: once, however many ask for
   * it. Dispose the returned object to stop.
   */
  watchEventLoop(): Disposable;
}

/** Of the whole process: its stores report one set of metrics. */
const meters = new MeterSource();
const instruments = createInstruments(meters);
const observers = createObservers(meters);
const eventLoopDelay = new EventLoopDelay(
  meters,
  (seconds) => instruments.eventLoopDelay.record(seconds),
);

/**
 * Makes the telemetry of one Opossum. An SDK may be registered before or after: it is looked for
 * at every use.
 *
 * @returns The telemetry.
 */
export function createTelemetry(): Telemetry {
  const tracers = new TracerSource();
  return {
    ...instruments,
    ...observers,
    isHeard() {
      try {
        return tracers.isHeard || meters.isHeard;
      } catch {
        // Other people's code: then it is theirs to fail each measurement by itself.
        return true;
      }
    },
    isTraced() {
      try {
        return tracers.isHeard;
      } catch {
        return true;
      }
    },
    appendSpans: new AppendSpans(),
    span: (name, options, fn) => runInSpan(tracers, name, options, fn),
    startSpan: (name, options = {}) => startSpan(tracers, name, options),
    activeContext,
    runInContext,
    watchEventLoop: () => eventLoopDelay.watch(),
  };
}
