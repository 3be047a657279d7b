/**
 * What the watchdog's thread is told: plain data.
 *
 * @module
 */

/** A projection, and which definition of it runs. */
export interface WatchedProjection {
  readonly projectionName: string;
  readonly version: number;
  readonly fingerprint: string;
}

/** A message to the watchdog. */
export type WatchdogMessage =
  | {
    /** The first one. */
    readonly kind: "begin";
    /** The folder of all projections. */
    readonly directory: string;
    /** How long code may run on one event, in milliseconds. */
    readonly timeout: number;
    /** By the index that watches name them by. */
    readonly projections: readonly WatchedProjection[];
  }
  | {
    /** Another thread is to be watched. */
    readonly kind: "watch";
    /** Memory of its `CodeWatch`. */
    readonly memory: SharedArrayBuffer;
    /** Whether to end the process when code does not return there. */
    readonly canEnd: boolean;
  }
  | {
    /** The last one: it answers once it has looked a last time. */
    readonly kind: "end";
  };
