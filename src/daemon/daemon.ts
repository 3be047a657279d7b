/**
 * The daemon: rebuilds at start-up what needs it, and keeps the serving generations up to date.
 * Types only.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { RebuildWindowStatus } from "./rebuild_window.ts";

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

  /**
   * Tries a faulted projection again at once: also on an event that is suspected to have ended a
   * process, which is not tried again otherwise. Does nothing to one that is not faulted.
   *
   * @param name The projection.
   * @throws {UnknownProjectionError} If it is not registered.
   */
  retry(name: string): Promise<void>;

  /**
   * Passes over the event that a projection stands still on: durably, now and in every rebuild of
   * the same definition. When its version or fingerprint changes, the event is tried again.
   *
   * @param name The projection.
   * @param position The event's position: that of the projection's fault.
   * @throws {UnknownProjectionError} If it is not registered.
   * @throws {ProjectionSkipError} If it does not stand still there, or is being rebuilt.
   */
  skip(name: string, position: Position): Promise<void>;

  /** The windows in which rebuilds are scheduled, and their times; empty when none is. */
  schedule(): readonly RebuildWindowStatus[];

  /** Resolves when the start-up rebuilds have ended (or at once when there are none). */
  whenStarted(): Promise<void>;
}
