/**
 * Live updates: applies new events to the generations that serve, one transaction a batch, each
 * projection at its own position. Which batch comes when is the daemon's business.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventBatch } from "../events/event_store.ts";
import type { CodeWatch, ProjectionWatch } from "./code_watch.ts";
import type { Checkpoint } from "./definition.ts";
import {
  ProjectionApplyError,
  ProjectionDamagedError,
  ProjectionNotBuiltError,
  ProjectionSkipError,
  ProjectionUnavailableError,
  type SkipRefusal,
} from "./errors.ts";
import type { EventOrderStore } from "./event_orders.ts";
import { fingerprintOf, isSameDefinition } from "./fingerprint.ts";
import { Faults, type FaultsOptions } from "./faults.ts";
import { Fold } from "./fold.ts";
import { LiveFolds } from "./live_folds.ts";
import type {
  BuildIdentity,
  Generation,
  ProjectionStore,
} from "./projection_store.ts";
import type { ProjectionFault } from "./projections.ts";
import type { ProjectionRegistry } from "./registry.ts";
import { Waiters } from "./waiters.ts";

const MEMORY_BYTES_MAX = 134_217_728;

/** A swap is over by then. A process that was stopped in a batch must not hold up the others. */
const LOCK_WAIT_MS_MAX = 2_000;

/** What live updates are made of. */
export interface LiveUpdaterOptions extends FaultsOptions {
  /** Which projections there are. */
  readonly registry: ProjectionRegistry;
  /** Where their documents are. */
  readonly store: ProjectionStore;
  /** The event store whose events they hold. */
  readonly storeId: string;
  /**
   * Memory for documents and related events that are kept from one batch to the next, in bytes,
   * over all projections. @default {134_217_728} 128 MiB
   */
  readonly memoryBytesMax?: number;
  /** What is known of single events beyond the log. */
  readonly orders: EventOrderStore;
  /** Told when the code of a projection runs, by its index among the names. @default {nobody} */
  readonly watch?: CodeWatch | undefined;
}

/** How to apply a batch. */
export interface ApplyBatchOptions {
  /** Where the batch begins, exclusive. */
  readonly after: Position;
  /**
   * Stores it with a later batch, which must follow soon: nobody sees it before, and after a
   * crash it is applied again. It is stored at once all the same when too much memory is held, or
   * when somebody waits for it. @default {false}
   */
  readonly hold?: boolean;
  /** Waits for the live lock, but not longer than until this aborts. @default {does not wait} */
  readonly waitUntil?: AbortSignal;
}

/** Applies events to the generations that serve, and knows which ones stand still. */
export class LiveUpdater implements Disposable {
  readonly #options: LiveUpdaterOptions;
  readonly #fingerprints = new Map<string, string>();
  readonly #faults: Faults;
  /** What was last reported of files that cannot be used, by projection. */
  readonly #reported = new Map<string, string>();
  readonly #waiters = new Waiters();
  readonly #swapListeners = new Set<() => void>();
  readonly #folds: LiveFolds;
  /** Up to where a projection stores each batch by itself, to find the event that fails. */
  readonly #waryUntil = new Map<string, Position>();

  /** @param options What it is made of. */
  constructor(options: LiveUpdaterOptions) {
    this.#options = options;
    this.#faults = new Faults(options);
    this.#folds = new LiveFolds(options.memoryBytesMax ?? MEMORY_BYTES_MAX);
    for (const name of options.registry.names) {
      this.#fingerprints.set(name, fingerprintOf(options.registry.get(name)));
    }
  }

  /** What a build of the registered definition is told by. */
  identity(name: string): BuildIdentity {
    const { registry, storeId } = this.#options;
    return {
      projectionName: name,
      version: registry.get(name).version,
      fingerprint: this.#fingerprints.get(name) ?? "",
      storeId,
    };
  }

  /** Who is told when a projection's code runs in this thread. */
  watch(name: string): ProjectionWatch | undefined {
    const { registry, watch } = this.#options;
    return watch?.of(registry.names.indexOf(name));
  }

  /** Whether a generation was built by the registered definition from this store's events. */
  isCurrent(identity: BuildIdentity): boolean {
    const own = this.identity(identity.projectionName);
    return isSameDefinition(identity, own) && identity.storeId === own.storeId;
  }

  /** Why a projection stands still, or `null`. */
  fault(name: string): ProjectionFault | null {
    return this.#faults.get(name);
  }

  /** Takes note that a new generation serves: a fault of the old one is forgotten. */
  swapped(name: string): void {
    this.#faults.forget(name);
    this.#reported.delete(name);
    this.#folds.drop(name);
    this.#waryUntil.delete(name);
    for (const listener of this.#swapListeners) listener();
  }

  /**
   * Tries a projection again at once, also an event that is suspected to have ended a process.
   *
   * @param name The projection.
   * @throws {UnknownProjectionError} If it is not registered.
   */
  async retry(name: string): Promise<void> {
    const { registry, orders } = this.#options;
    registry.get(name);
    await orders.clearSuspects(name);
    this.#faults.forget(name);
    this.#folds.drop(name);
    for (const listener of this.#swapListeners) listener();
  }

  /**
   * Passes over the event that a projection stands still on, now and in every rebuild of the same
   * definition.
   *
   * @param name The projection.
   * @param position The event.
   * @throws {UnknownProjectionError} If it is not registered.
   * @throws {ProjectionSkipError} If it does not stand still there, or is being rebuilt.
   */
  async skip(name: string, position: Position): Promise<void> {
    const { registry, store, orders } = this.#options;
    registry.get(name);
    const refuse = (why: SkipRefusal) =>
      new ProjectionSkipError(name, position, why);
    if (this.fault(name)?.position !== position) throw refuse("notFaulted");
    // A build may be past the event already.
    using building = store.tryLockBuild(name);
    if (!building) throw refuse("rebuilding");
    {
      using _lock = await store.lockLive(name);
      const isBehind = await store.withCurrent(
        name,
        async (generation) =>
          this.isCurrent(generation.identity) &&
          (await generation.status()).checkpoint < position,
      );
      // Somebody else came past it, or replaced the generation.
      if (!isBehind) throw refuse("notFaulted");
      await orders.addSkip(this.identity(name), position);
    }
    await this.retry(name);
  }

  /** Calls `listener` when a new generation serves, or one is to be tried again. Dispose the returned object to stop. */
  onSwap(listener: () => void): Disposable {
    this.#swapListeners.add(listener);
    return {
      [Symbol.dispose]: () => void this.#swapListeners.delete(listener),
    };
  }

  /** Lets go of whoever waits: nothing will be applied any more. */
  [Symbol.dispose](): void {
    this.#waiters[Symbol.dispose]();
  }

  /**
   * Where the projection's next batch begins, or `undefined` when it takes none: it is absent,
   * stale or damaged, or faulted and not yet to be tried again.
   */
  async cursor(name: string): Promise<Checkpoint | undefined> {
    const { store } = this.#options;
    try {
      return await store.withCurrent(name, async (generation) => {
        if (!this.isCurrent(generation.identity)) {
          // Nothing to try again before it is rebuilt.
          this.#faults.forget(name);
          return undefined;
        }
        const { checkpoint } = await generation.status();
        this.#reported.delete(name);
        // Also for one that stands still: what came before its fault is there.
        this.#waiters.announce(name, checkpoint);
        return this.#faults.isResting(name, generation.number, checkpoint)
          ? undefined
          : checkpoint;
      });
    } catch (error) {
      if (error instanceof ProjectionUnavailableError) {
        // The others go on; this one is looked at again with the next poll.
        this.#report(error);
        return undefined;
      }
      const isDamaged = error instanceof ProjectionDamagedError;
      if (!isDamaged && !(error instanceof ProjectionNotBuiltError)) {
        throw error;
      }
      this.#faults.forget(name);
      if (isDamaged) this.#report(error);
      return undefined;
    }
  }

  /** Whether somebody here waits for the projection to come up to a position. */
  isAwaited(name: string): boolean {
    return this.#waiters.isAwaited(name);
  }

  /** Whether it was the last commit made here that brought the projection to its checkpoint. */
  wasMovedHere(name: string, checkpoint: Checkpoint): boolean {
    return this.#folds.committedAt(name) === checkpoint;
  }

  /** When the earliest faulted projection is to be tried again, in monotonic milliseconds. */
  nextRetryAtMs(): number {
    return this.#faults.nextRetryAtMs();
  }

  /**
   * Applies a batch that begins right after `after`. Passes over what is applied already, and
   * does nothing when the projection is not yet as far as `after`.
   *
   * A failing event faults the projection: what comes before it is applied, and it is tried
   * again later, ever more slowly. Other projections are not affected.
   *
   * @param name The projection.
   * @param batch Frozen events.
   * @param options Where the batch begins, and whether to hold it back.
   * @returns The events that were stored, or `undefined` when someone else holds the live lock.
   */
  async apply(
    name: string,
    batch: EventBatch,
    { after, hold = false, waitUntil }: ApplyBatchOptions,
  ): Promise<number | undefined> {
    const { registry, store } = this.#options;
    const definition = registry.get(name);
    using lock = await this.#lock(name, waitUntil);
    if (!lock) return undefined;
    return await store.changeCurrent(name, async (generation) => {
      // Both may have changed before the lock was ours.
      const { checkpoint } = await generation.status();
      if (!this.isCurrent(generation.identity)) {
        this.#folds.drop(name);
        return 0;
      }
      const fold = this.#folds.at(definition, generation, {
        checkpoint,
        watch: this.watch(name),
      });
      const isAhead = fold.checkpoint > checkpoint;
      if (fold.checkpoint < after) {
        // What was held back went with its connection: batch by batch, or it never gets on.
        this.#waryUntil.set(name, batch.through);
        return 0;
      }
      try {
        await fold.apply(batch);
        const isWary = after < (this.#waryUntil.get(name) ?? 0);
        const mayHold = !isWary && this.#folds.fit &&
          !this.#waiters.isAwaited(name, fold.checkpoint);
        if (hold && mayHold) return 0;
        const applied = await this.#folds.commit(name, fold);
        // Somebody ordered it to be tried again: from the checkpoint.
        if (applied === undefined) return 0;
        fold.deadLetters.tell(this.#options.logger);
        this.#faults.overcome(name, fold.checkpoint);
        this.#waiters.announce(name, fold.checkpoint);
        return applied;
      } catch (error) {
        this.#folds.drop(name);
        if (!(error instanceof ProjectionApplyError)) {
          this.#faults.postpone(name);
          throw error;
        }
        if (isAhead) {
          // What was held back is gone. Again from the checkpoint, batch by batch this time.
          this.#waryUntil.set(name, batch.through);
          return 0;
        }
        return await this.#applyBefore(error, batch, generation, checkpoint);
      }
    });
  }

  async #lock(
    name: string,
    waitUntil: AbortSignal | undefined,
  ): Promise<Disposable | undefined> {
    const { store } = this.#options;
    try {
      return store.tryLockLive(name) ??
        (waitUntil && await store.lockLive(name, waitUntil, LOCK_WAIT_MS_MAX));
    } catch (error) {
      if (waitUntil?.aborted) return undefined;
      throw error;
    }
  }

  /** Applies what comes before the first event that fails, and takes note of the fault. */
  async #applyBefore(
    error: ProjectionApplyError,
    batch: EventBatch,
    generation: Generation,
    checkpoint: Checkpoint,
  ): Promise<number> {
    const { projectionName: name } = error;
    const definition = this.#options.registry.get(name);
    for (let first = error;;) {
      const fold = new Fold(definition, generation, {
        checkpoint,
        watch: this.watch(name),
      });
      const through = first.event.position - 1;
      try {
        if (through > checkpoint) {
          const events = batch.events
            .filter(({ position }) => position <= through);
          const last = events.at(-1);
          // The id at hand is that of the batch's end.
          const throughId = last?.position === through ? last.id : undefined;
          await fold.apply({ ...batch, events, through, throughId });
          await fold.flush();
          fold.deadLetters.tell(this.#options.logger);
        }
      } catch (earlier) {
        // A document's text or tags can fail as well, and are only made of the last event's state.
        const isEarlier = earlier instanceof ProjectionApplyError &&
          earlier.event.position < first.event.position;
        if (!isEarlier) throw earlier;
        first = earlier;
        continue;
      }
      this.#waiters.announce(name, fold.checkpoint);
      const { position } = first.event;
      // A document that was read back can fail before any event is applied to it.
      const failed = position > checkpoint
        ? first.event
        : batch.events.find(({ position }) => position > checkpoint);
      this.#faults.record(first, failed ?? first.event, generation.number);
      return fold.eventsApplied;
    }
  }

  /**
   * Resolves when the projection has applied the log up to `position`.
   *
   * @param name The projection.
   * @param position The position.
   * @param signal Gives up by throwing its reason.
   */
  async waitFor(
    name: string,
    position: Position,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#waiters.wait(name, position, () => this.cursor(name), signal);
  }

  /** Once, not with every poll. */
  #report(
    error: ProjectionDamagedError | ProjectionUnavailableError,
  ): void {
    const { projectionName, message } = error;
    if (this.#reported.get(projectionName) === message) return;
    this.#reported.set(projectionName, message);
    this.#options.logger.log("error", "Projection cannot be updated", {
      projection: projectionName,
      error,
    });
  }
}
