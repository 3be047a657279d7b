/**
 * Which of several processes keeps a projection up to date. One owns it, by a lock that it holds
 * until it ends or has no more use for it; the others stand by, read what it writes, and try for
 * the lock now and then.
 *
 * Who stands by does not wait for an owner that does nothing: it is stopped, or its loop hangs, or
 * it looks less often for what others append. After a moment of patience the one who stands by does
 * the work itself, and goes on with it until somebody else does. Two that work at a time are slow,
 * not wrong: each batch is applied under the live lock, from the checkpoint that is there.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";

/** How long a projection may stand still before who stands by moves it. */
const PATIENCE_MS = 250;

/** How often who stands by looks whether the owner moves it: somebody may wait for that. */
const LOOK_INTERVAL_MS = 25;

/** How often who stands by looks for an owner that has ended, and for what it left undone. */
const STANDBY_INTERVAL_MS = 1_000;

/** What it works with. */
export interface OwnershipOptions {
  readonly store: Pick<ProjectionStore, "tryOwn">;
  readonly live: Pick<LiveUpdater, "fault" | "isAwaited" | "wasMovedHere">;
  readonly clock: Clock;
}

/** A projection of somebody else that is behind. */
interface Behind {
  readonly checkpoint: Position;
  readonly sinceMs: number;
}

/** The projections that one daemon owns, and those that it stands by for. */
export class Ownership implements Disposable {
  readonly #options: OwnershipOptions;
  readonly #owned = new Map<string, Disposable>();
  readonly #standby = new Map<string, Behind | undefined>();

  /** @param options What it works with. */
  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /**
   * Whether to apply what a projection lacks. Asked in every round of the daemon, also when it
   * lacks nothing.
   *
   * @param name The projection.
   * @param checkpoint How far it is, or `undefined` when it takes no events.
   * @param head The end of the log.
   */
  mayApply(
    name: string,
    checkpoint: Position | undefined,
    head: Position,
  ): boolean {
    const { live, clock } = this.#options;
    if (checkpoint === undefined) {
      // A faulted one is retried by its owner; the others may have use for what we have not.
      if (live.fault(name) === null) this.#release(name);
      // Another process may be building it.
      if (live.isAwaited(name)) this.#standby.set(name, undefined);
      return false;
    }
    if (this.#isOwned(name)) return checkpoint < head;
    if (checkpoint >= head) {
      this.#standby.set(name, undefined);
      return false;
    }
    if (live.wasMovedHere(name, checkpoint)) return true;
    const nowMs = clock.monotonicMs();
    const before = this.#standby.get(name);
    const behind = before?.checkpoint === checkpoint
      ? before
      : { checkpoint, sinceMs: nowMs };
    this.#standby.set(name, behind);
    return nowMs - behind.sinceMs >= PATIENCE_MS;
  }

  /** When to look again without being woken, in monotonic milliseconds. */
  nextLookAtMs(): number {
    if (this.#standby.size === 0) return Infinity;
    const nowMs = this.#options.clock.monotonicMs();
    let nextMs = nowMs + STANDBY_INTERVAL_MS;
    for (const behind of this.#standby.values()) {
      const dueMs = (behind?.sinceMs ?? 0) + PATIENCE_MS;
      // What could not be applied then is not tried without a pause.
      if (behind === undefined || dueMs <= nowMs) continue;
      nextMs = Math.min(nextMs, dueMs, nowMs + LOOK_INTERVAL_MS);
    }
    return nextMs;
  }

  /** Leaves all of them to others. */
  [Symbol.dispose](): void {
    for (const name of [...this.#owned.keys()]) this.#release(name);
    this.#standby.clear();
  }

  #isOwned(name: string): boolean {
    if (this.#owned.has(name)) return true;
    const lock = this.#options.store.tryOwn(name);
    if (!lock) return false;
    this.#owned.set(name, lock);
    this.#standby.delete(name);
    return true;
  }

  #release(name: string): void {
    this.#owned.get(name)?.[Symbol.dispose]();
    this.#owned.delete(name);
    this.#standby.delete(name);
  }
}
