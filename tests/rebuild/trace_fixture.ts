/**
 * Looking at the traces of rebuilds, within the process.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { OpossumOptions, ProjectionDefinition } from "../../mod.ts";
import {
  type MemoryFixture,
  openOverMemory,
} from "../support/course_fixture.ts";
import { WatchedEventStore } from "../support/watched_event_store.ts";

/** A log whose batches wait, from the second one on, until they may go. */
export class HeldEventStore extends WatchedEventStore {
  readonly #reached = Promise.withResolvers<void>();
  readonly #release = Promise.withResolvers<void>();

  /** Resolves when a batch waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Makes batches wait from now on. */
  hold(): void {
    let batches = 0;
    this.onBatch = async () => {
      if (++batches < 2) return;
      this.#reached.resolve();
      await this.#release.promise;
    };
  }

  /** Lets everything go. */
  release(): void {
    this.onBatch = () => {};
    this.#release.resolve();
  }
}

/** Opens a store that rebuilds in batches of 2 events, and only when it is asked to. */
export function openHeld(
  path: string,
  definitions: readonly ProjectionDefinition[],
  events: HeldEventStore,
  options: Partial<OpossumOptions> = {},
): MemoryFixture {
  const quiet = { batchSize: 2, enableAutoRebuild: false, ...options };
  return openOverMemory(path, definitions, quiet, events);
}

/** The spans of a name, in the order in which they ended. */
export function named(
  spans: readonly ReadableSpan[],
  name: string,
): ReadableSpan[] {
  return spans.filter((span) => span.name === name);
}

/** The only span of a name. */
export function only(
  spans: readonly ReadableSpan[],
  name: string,
): ReadableSpan {
  const found = named(spans, name);
  assertEquals([name, found.length], [name, 1]);
  return found[0] as ReadableSpan;
}

/** Names of the spans right under one. */
export function under(
  spans: readonly ReadableSpan[],
  parent: ReadableSpan,
): string[] {
  return spans.filter(({ parentSpanContext }) =>
    parentSpanContext?.spanId === parent.spanContext().spanId
  ).map(({ name }) => name).sort();
}

/** Names of what was noted in a span. */
export function noted({ events }: ReadableSpan): string[] {
  return events.map(({ name }) => name);
}
