/**
 * Puts the pieces together.
 *
 * @module
 */
import type { Daemon } from "./daemon/daemon.ts";
import type { EventStore } from "./events/event_store.ts";
import type { OpossumOptions, ResolvedOptions } from "./options.ts";
import type { Projections } from "./projections/projections.ts";
import type { Rebuilder } from "./rebuild/rebuilder.ts";

/** An open store with its projections. Dispose it to stop, drain and close everything. */
export interface Opossum extends AsyncDisposable {
  /** The options in force. */
  readonly options: ResolvedOptions;
  /** Append and read events. */
  readonly events: EventStore;
  /** Read documents. */
  readonly projections: Projections;
  /** Rebuild projections. */
  readonly rebuilder: Rebuilder;
  /** Keeps the projections up to date. */
  readonly daemon: Daemon;
}

/** Opens the store in `options.path`, creating it if missing. */
export function openOpossum(_options: OpossumOptions): Promise<Opossum> {
  throw new Error("replaced soon");
}
