/**
 * The daemon: rebuilds at start-up what needs it, and keeps the serving generations up to date.
 * Types only.
 *
 * @module
 */

/** Where the daemon stands. */
export type DaemonState = "stopped" | "starting" | "running" | "stopping";

/** Applies new events to the projections, in the background. */
export interface Daemon {
  /** Where it stands. Live updates already run while `starting`. */
  readonly state: DaemonState;

  /**
   * Starts live updates and the start-up rebuilds. Does nothing when it runs already.
   *
   * @returns Resolves when live updates run; rebuilds go on in the background.
   */
  start(): Promise<void>;

  /** Finishes the batch at hand and stops. Does nothing when stopped. */
  stop(): Promise<void>;

  /** Resolves when the start-up rebuilds have ended (or at once when there are none). */
  whenStarted(): Promise<void>;
}
