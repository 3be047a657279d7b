/**
 * When rebuilds slow down for the sake of others: the options, and their defaults.
 *
 * @module
 */

/** When a rebuild counts as a bad neighbour, and how far it then slows down. */
export interface GoodNeighbourOptions {
  /**
   * How late the event loop of the serving thread may be, on average over half a second, in
   * milliseconds, 1 to 60,000. @default {50}
   */
  readonly eventLoopDelayMax?: number;
  /**
   * How long appends of this process may take, on average over half a second, in milliseconds,
   * 1 to 60,000. @default {100}
   */
  readonly appendDurationMax?: number;
  /**
   * A rebuild never works less than this share of the time, 0.01 to 1: it must come to its end.
   * @default {0.25}
   */
  readonly shareMin?: number;
}

/** The defaults. */
export const GOOD_NEIGHBOUR: Required<GoodNeighbourOptions> = {
  eventLoopDelayMax: 50,
  appendDurationMax: 100,
  shareMin: 0.25,
};
