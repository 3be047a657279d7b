/**
 * An event store that measures what goes through it: a span and metrics an append, a span a read.
 *
 * @module
 */
import { AppendConditionError } from "../events/append_condition.ts";
import type { DomainEvent, EventInput, StoredEvent } from "../events/event.ts";
import type {
  AppendOptions,
  AppendResult,
  EventStore,
  ReadOptions,
} from "../events/event_store.ts";
import type { Query } from "../events/query.ts";
import { errorType } from "../telemetry/error_type.ts";
import type { MetricAttributes } from "../telemetry/instruments.ts";
import type { METRICS } from "../telemetry/metrics.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** Who else wants to know how long appends take. */
export interface AppendWatcher {
  /** Whether it does now. */
  readonly isWatching: boolean;
  /** Told of each append that went well, in milliseconds. */
  noteAppend(durationMs: number): void;
}

/**
 * Measures a store for its users. Batches are not measured here: daemon and rebuilds, who read
 * them, have spans of their own.
 *
 * @param store The store.
 * @param telemetry Takes the measurements.
 * @param watcher Takes the durations of appends, too.
 * @returns A store that does the same. Disposing it disposes the one measured.
 */
export function measureEventStore(
  store: EventStore,
  telemetry: Telemetry,
  watcher?: AppendWatcher,
): EventStore {
  return {
    get damage() {
      return store.damage;
    },
    append: (events, options) => {
      const appended = telemetry.isHeard()
        ? measureAppend(store, telemetry, events, options)
        : appendTo(store, events, options);
      return watcher?.isWatching ? watch(appended, watcher) : appended;
    },
    read: (query, options) => measureRead(store, telemetry, query, options),
    readBatches: (query, options) => store.readBatches(query, options),
    readLast: (query) =>
      telemetry.span(SPANS.read, {}, () => store.readLast(query)),
    head: () => store.head(),
    onAppend: (listener) => store.onAppend(listener),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function watch<Result>(
  appended: Promise<Result>,
  watcher: AppendWatcher,
): Promise<Result> {
  const startMs = performance.now();
  const result = await appended;
  watcher.noteAppend(performance.now() - startMs);
  return result;
}

/** Appends; rejects where the store, which may be anybody's, throws. */
function appendTo<E extends DomainEvent>(
  store: EventStore,
  events: readonly EventInput<E>[],
  options?: AppendOptions,
): Promise<AppendResult> {
  // Not `async`: callers would wait for two more promises.
  try {
    return store.append(events, options);
  } catch (error) {
    return Promise.reject(error);
  }
}

function measureAppend<E extends DomainEvent>(
  store: EventStore,
  telemetry: Telemetry,
  events: readonly EventInput<E>[],
  options?: AppendOptions,
): Promise<AppendResult> {
  const startMs = performance.now();
  const span = telemetry.startSpan(SPANS.append);
  const end = (failure: MetricAttributes<typeof METRICS.appendDuration>) => {
    const duration = (performance.now() - startMs) / 1_000;
    telemetry.appendDuration.record(duration, failure);
    span.end();
  };
  return appendTo(store, events, options).then((result) => {
    // Not of what was given, which may be anything until the store has taken it.
    const count = result.last - result.first + 1;
    span.setAttributes({
      [ATTRIBUTES.eventCount]: count,
      [ATTRIBUTES.positionFirst]: result.first,
      [ATTRIBUTES.positionLast]: result.last,
    });
    telemetry.appendSpans.note(span, result.first, result.last);
    telemetry.appendEvents.add(count);
    end({});
    return result;
  }, (error) => {
    span.fail(error);
    if (error instanceof AppendConditionError) telemetry.appendConflicts.add(1);
    end({ [ATTRIBUTES.errorType]: errorType(error) });
    throw error;
  });
}

async function* measureRead<E extends DomainEvent>(
  store: EventStore,
  telemetry: Telemetry,
  query: Query,
  options?: ReadOptions,
): AsyncGenerator<StoredEvent<E>> {
  // Opened with the first event asked for: a read that nobody begins is none.
  using span: OpenSpan = telemetry.startSpan(SPANS.read);
  let count = 0;
  try {
    for await (const event of store.read<E>(query, options)) {
      count++;
      yield event;
    }
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.setAttributes({ [ATTRIBUTES.eventCount]: count });
  }
}
