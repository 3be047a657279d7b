/**
 * Events: what happened, in which order, and how each one is found again.
 *
 * @module
 */

/**
 * The place of an event in the one global order: 1, 2, 3 … without gaps.
 * 0 stands for "before the first event".
 */
export type Position = number;

/** A label of the form `"courseId:42"` by which events are found. */
export type Tag = string;

/** The part of an event that the application defines: a type and its JSON data. */
export interface DomainEvent {
  /** What happened, in the past tense: `"StudentRegistered"`. At most 256 bytes. */
  readonly type: string;
  /** Any JSON value. */
  readonly data: unknown;
}

/**
 * An event to append. `id` and `timestamp` are filled in when left out; importers set them
 * to keep what another store assigned.
 *
 * @typeParam E The application's union of events.
 */
export type EventInput<E extends DomainEvent = DomainEvent> = E extends
  DomainEvent ?
    & E
    & {
      /** At most 64 tags of at most 256 bytes each, without repetition. @default {[]} */
      readonly tags?: readonly Tag[];
      /** A UUID. @default {crypto.randomUUID()} */
      readonly id?: string;
      /** ISO 8601. Informational: order comes from `position` alone. @default {now} */
      readonly timestamp?: string;
    }
  : never;

/**
 * An event as it stands in the log.
 *
 * @typeParam E The application's union of events.
 */
export type StoredEvent<E extends DomainEvent = DomainEvent> = E extends
  DomainEvent ?
    & E
    & {
      /** The event's place in the global order. */
      readonly position: Position;
      /** The event's UUID. */
      readonly id: string;
      /** The labels by which it is found. */
      readonly tags: readonly Tag[];
      /** ISO 8601. Informational: clocks jump, positions do not. */
      readonly timestamp: string;
    }
  : never;
