/**
 * The division of a projection's keys into parts, which are folded one after the other when its
 * documents do not fit in memory all at once.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";

/** A division of the keys. */
export interface KeyParts {
  /** How many parts. */
  readonly count: number;
  /** The part of a key, 0 to `count` - 1. */
  of(key: string): number;
}

/** No division: everything is in the one part. */
export const WHOLE: KeyParts = { count: 1, of: () => 0 };

/** Events of one part. */
export interface PartBatch {
  /** The events, frozen, in order of position. */
  readonly events: readonly StoredEvent[];
  /** Which of them were put aside by a guessed key. */
  readonly guessed: readonly boolean[];
  /** Their size as text. */
  readonly bytes: number;
}
