/**
 * The event store as a list in memory: the model that the others are compared with.
 *
 * @module
 */
import {
  type AppendCondition,
  AppendConditionError,
} from "../events/append_condition.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import type {
  DomainEvent,
  EventInput,
  Position,
  StoredEvent,
  Tag,
} from "../events/event.ts";
import type {
  AppendOptions,
  AppendResult,
  EventBatch,
  EventStore,
  ReadBatchesOptions,
  ReadOptions,
} from "../events/event_store.ts";
import { matchesQuery, type Query } from "../events/query.ts";
import {
  assertQuery,
  assertReadBatchesOptions,
  assertReadOptions,
  checkAppendOptions,
  type CheckedEvent,
  checkEventInputs,
} from "../events/validation.ts";

/** How a {@linkcode MemoryEventStore} works. */
export interface MemoryEventStoreOptions {
  /** Gives the timestamps of events appended without one. @default {systemClock} */
  readonly clock?: Clock;
}

/**
 * An event store in memory, with the rules and the checks of the one on disk. What it holds is
 * gone with the process.
 *
 * @example
 * ```ts
 * import { MemoryEventStore } from "@opossum/deno/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MemoryEventStore();
 * await store.append([
 *   { type: "CourseCreated", tags: ["courseId:42"], data: { seats: 30 } },
 * ]);
 * const event = await store.readLast({ items: [{ tags: ["courseId:42"] }] });
 * assertEquals(event?.position, 1);
 * ```
 */
export class MemoryEventStore implements EventStore {
  readonly #clock: Clock;
  readonly #log: LoggedEvent[] = [];
  readonly #listeners = new Set<{ readonly call: (head: Position) => void }>();

  /**
   * Creates an empty store.
   *
   * @param options Where timestamps come from.
   */
  constructor({ clock = systemClock }: MemoryEventStoreOptions = {}) {
    this.#clock = clock;
  }

  /** {@inheritDoc EventStore.append} */
  // deno-lint-ignore require-await -- every refusal is a rejection, never a throw
  async append<E extends DomainEvent>(
    events: readonly EventInput<E>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    const checked = checkEventInputs(events);
    const { condition, signal } = checkAppendOptions(options);
    signal?.throwIfAborted();
    if (condition) this.#assertHolds(condition);
    const first = this.#log.length + 1;
    const now = this.#clock.now().toISOString();
    for (const event of checked) {
      this.#log.push(toLogged(event, this.#log.length + 1, now));
    }
    const last = this.#log.length;
    for (const { call } of [...this.#listeners]) callSafely(call, last);
    return { first, last };
  }

  /** {@inheritDoc EventStore.read} */
  async *read<E extends DomainEvent = DomainEvent>(
    query: Query,
    options: ReadOptions = {},
  ): AsyncIterable<StoredEvent<E>> {
    assertQuery(query);
    assertReadOptions(options);
    const { after, limit = Infinity, backwards = false, signal } = options;
    const head = this.#log.length;
    const step = backwards ? -1 : 1;
    let position = backwards
      ? Math.min(after ?? Infinity, head + 1) - 1
      : (after ?? 0) + 1;
    for (let left = limit; left > 0; position += step) {
      signal?.throwIfAborted();
      const logged = position <= head ? this.#log[position - 1] : undefined;
      if (logged === undefined) return;
      if (!matchesQuery(query, logged)) continue;
      left--;
      yield parse<E>(logged);
    }
  }

  /** {@inheritDoc EventStore.readBatches} */
  async *readBatches<E extends DomainEvent = DomainEvent>(
    query: Query,
    options: ReadBatchesOptions = {},
  ): AsyncIterable<EventBatch<E>> {
    assertQuery(query);
    assertReadBatchesOptions(options);
    const { after = 0, batchSize = 1_000, signal } = options;
    const upTo = Math.min(options.upTo ?? Infinity, this.#log.length);
    let events: StoredEvent<E>[] = [];
    let bytes = 0;
    for (let position = after + 1; position <= upTo; position++) {
      signal?.throwIfAborted();
      const logged = this.#log[position - 1];
      if (logged && matchesQuery(query, logged)) {
        events.push(parse<E>(logged));
        bytes += logged.text.length;
      }
      if (events.length === batchSize || position === upTo) {
        const throughId = logged && parse(logged).id;
        yield { events, through: position, throughId, bytes };
        events = [];
        bytes = 0;
      }
    }
  }

  /** {@inheritDoc EventStore.readLast} */
  async readLast<E extends DomainEvent = DomainEvent>(
    query: Query,
  ): Promise<StoredEvent<E> | undefined> {
    const newest = { backwards: true, limit: 1 };
    for await (const event of this.read<E>(query, newest)) return event;
    return undefined;
  }

  /** {@inheritDoc EventStore.head} */
  head(): Promise<Position> {
    return Promise.resolve(this.#log.length);
  }

  /** {@inheritDoc EventStore.onAppend} */
  onAppend(listener: (head: Position) => void): Disposable {
    // Wrapped, so that a listener registered twice is two.
    const entry = { call: listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  /** Forgets the listeners. The events can still be read. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    return Promise.resolve();
  }

  #assertHolds({ failIfEventsMatch, after = 0 }: AppendCondition): void {
    for (let i = after; i < this.#log.length; i++) {
      const logged = this.#log[i];
      if (logged && matchesQuery(failIfEventsMatch, logged)) {
        throw new AppendConditionError({ after, foundAt: i + 1 });
      }
    }
  }
}

/** An event as text, so that nobody who wrote or read it can change it. */
interface LoggedEvent {
  readonly type: string;
  readonly tags: readonly Tag[];
  readonly text: string;
}

function toLogged(
  event: CheckedEvent,
  position: Position,
  now: string,
): LoggedEvent {
  const { type, tags, id, timestamp, data } = event;
  const text = JSON.stringify({
    position,
    type,
    tags,
    id: id ?? crypto.randomUUID(),
    timestamp: timestamp ?? now,
    data,
  });
  return { type, tags, text };
}

function parse<E extends DomainEvent>(logged: LoggedEvent): StoredEvent<E> {
  return JSON.parse(logged.text) as StoredEvent<E>;
}

function callSafely(call: (head: Position) => void, head: Position): void {
  try {
    call(head);
  } catch {
    // The events are appended: a listener cannot undo that, nor keep the others from knowing.
  }
}
