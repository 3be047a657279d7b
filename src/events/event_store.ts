/**
 * The event store: the interface that the file store, the in-memory store of `./testing` and
 * any other backend implement. Types and prose only.
 *
 * Words used throughout:
 * - **event**: what happened (type, tags, data). **position**: its place in the one global order.
 * - **query**: which events, by types and tags. **append condition**: what must not have happened.
 * - **head**: the position of the last event. **after**: an exclusive lower bound.
 *
 * @module
 */
import type { AppendCondition } from "./append_condition.ts";
import type {
  DomainEvent,
  EventInput,
  Position,
  StoredEvent,
} from "./event.ts";
import type { Query } from "./query.ts";

/** How to append. */
export interface AppendOptions {
  /** Refuse the append when this no longer holds. */
  readonly condition?: AppendCondition;
  /**
   * Gives up while the append still waits for its turn. Once it is being written the signal has
   * no effect: what is on disk cannot be unsaid.
   */
  readonly signal?: AbortSignal;
}

/** Where an append went. */
export interface AppendResult {
  /** Position of the first event of the append. */
  readonly first: Position;
  /** Position of the last event of the append. */
  readonly last: Position;
}

/** What to read. */
export interface ReadOptions {
  /**
   * Exclusive bound: only events after this position, or, when reading backwards, before it.
   * @default {0, or past the head when reading backwards}
   */
  readonly after?: Position;
  /** At most this many events. @default {Infinity} */
  readonly limit?: number;
  /** From the newest to the oldest. @default {false} */
  readonly backwards?: boolean;
  /** Stops the read by throwing the signal's reason; files are closed. */
  readonly signal?: AbortSignal;
}

/** What to read in batches. */
export interface ReadBatchesOptions {
  /** Exclusive lower bound. @default {0} */
  readonly after?: Position;
  /** Inclusive upper bound. @default {the head when the read began} */
  readonly upTo?: Position;
  /** At most this many matching events a batch. @default {1_000} */
  readonly batchSize?: number;
  /** Stops the read by throwing the signal's reason; files are closed. */
  readonly signal?: AbortSignal;
}

/** Consecutive matching events, and how far the read has come. */
export interface EventBatch<E extends DomainEvent = DomainEvent> {
  /** The matching events, in order of position; may be empty at the end of a read. */
  readonly events: readonly StoredEvent<E>[];
  /** Every matching event up to and including this position has been handed out. */
  readonly through: Position;
  /**
   * Id of the event at `through`, if it is at hand: a log that was put back from a backup, and went
   * on, has another event there.
   */
  readonly throughId?: string | undefined;
  /** Approximate size of `events` as text, in bytes: what memory budgets reckon with. */
  readonly bytes: number;
}

/** An event that was not looked into yet: rebuilds put many aside without parsing them. */
export interface UnparsedEvent {
  /** Its position. */
  readonly position: Position;
  /** Its type. */
  readonly type: string;
  /** The whole event as JSON text, in one line. May share memory with others: not for keeping. */
  readonly text: string;
  /** The event, made anew with each call. */
  parse(): StoredEvent;
}

/** Like {@linkcode EventBatch}, of events that were not looked into yet. */
export interface UnparsedBatch {
  /** The events, in order of position; may be empty at the end of a read. */
  readonly events: readonly UnparsedEvent[];
  /** Every matching event up to and including this position has been handed out. */
  readonly through: Position;
  /**
   * Id of the event at `through`, if it is at hand: a log that was put back from a backup, and went
   * on, has another event there.
   */
  readonly throughId?: string | undefined;
  /** Approximate size of `events` as text, in bytes. */
  readonly bytes: number;
}

/**
 * An append-only, totally ordered store of events.
 *
 * Promises: an append that returned is durable; one that did not is wholly there or wholly
 * absent; positions are 1, 2, 3 … with no gap, never reused and the same for every reader;
 * readers see only durable events.
 */
export interface EventStore extends AsyncDisposable {
  /**
   * Why acknowledged events cannot be read any more, or `undefined` while all is well. Events
   * before the damage are still read, and {@linkcode head} is the last of them: nothing may be
   * rebuilt from such a log, as it would replace what was made of the whole one.
   */
  readonly damage?: Error | undefined;

  /**
   * Appends all events, or none, in the given order and with consecutive positions.
   *
   * @param events At least one event, at most 10,000 and 16 MiB.
   * @returns The positions given.
   * @throws {TypeError | RangeError} If an event is malformed or too large. Nothing was written.
   * @throws {AppendConditionError} If the condition no longer holds. Nothing was written.
   */
  append<E extends DomainEvent>(
    events: readonly EventInput<E>[],
    options?: AppendOptions,
  ): Promise<AppendResult>;

  /** Reads matching events one by one. Leaving the loop early releases everything. */
  read<E extends DomainEvent = DomainEvent>(
    query: Query,
    options?: ReadOptions,
  ): AsyncIterable<StoredEvent<E>>;

  /**
   * Reads matching events forwards in batches: what daemons and rebuilds use. The last batch's
   * `through` equals `upTo` even when nothing matched, so that a reader always advances.
   */
  readBatches<E extends DomainEvent = DomainEvent>(
    query: Query,
    options?: ReadBatchesOptions,
  ): AsyncIterable<EventBatch<E>>;

  /** The newest matching event, or `undefined`. */
  readLast<E extends DomainEvent = DomainEvent>(
    query: Query,
  ): Promise<StoredEvent<E> | undefined>;

  /** Position of the last durable event, also of other processes'; 0 when empty. */
  head(): Promise<Position>;

  /**
   * Calls `listener` with the new head after this process appended, or noticed others' appends.
   * Dispose the returned object to stop.
   */
  onAppend(listener: (head: Position) => void): Disposable;
}
