/**
 * The live loop: brings every projection up to the head, each from its own position, then waits
 * for the next append.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventBatch, EventStore } from "../events/event_store.ts";
import { ProjectionApplyError } from "../projections/errors.ts";
import { eventTypesOf } from "../projections/event_types.ts";
import { freezeEvents } from "../projections/freeze_events.ts";
import { OPEN_MAX } from "../projections/generation_leases.ts";
import type {
  ApplyBatchOptions,
  LiveUpdater,
} from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { Yielder } from "../storage/yielder.ts";
import type { Logger } from "../telemetry/logger.ts";
import { errorType } from "../telemetry/error_type.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { Ownership } from "./ownership.ts";

/** While catching up, so many batches are stored in one transaction: documents recur in them. */
const HELD_BATCHES_MAX = 64;
/** When other projections wait meanwhile, who may be all but up to date. */
const HELD_BATCHES_MAX_SHARED = 4;
/** And not more than these bytes of them, nor for longer: nobody sees what is held. */
const HELD_BYTES_MAX = 33_554_432;
const HELD_MS_MAX = 500;

/** What the loop is made of. */
export interface LiveLoopOptions {
  readonly registry: ProjectionRegistry;
  readonly live: LiveUpdater;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Events a transaction. */
  readonly batchSize: number;
  /** How often to look without being woken, in milliseconds. */
  readonly pollingInterval: number;
}

/** What a group of projections has before it. */
interface AdvanceRange {
  readonly after: Position;
  readonly head: Position;
  /** Batches that are stored in one transaction, at most. */
  readonly batchesMax: number;
}

/** Applies new events until it is stopped. */
export class LiveLoop {
  readonly #options: LiveLoopOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #done: Promise<void> | undefined;
  /** Those that failed for other reasons than an event: not again before then. */
  readonly #restUntilMs = new Map<string, number>();
  readonly #ownership: Ownership;

  /** @param options What it is made of. */
  constructor(options: LiveLoopOptions) {
    this.#options = options;
    this.#ownership = new Ownership(options);
  }

  /** Begins. */
  start(): void {
    this.#done ??= this.#run();
  }

  /** Looks again at once: events were appended, or a generation was swapped in. */
  wake(): void {
    this.#wake.abort();
  }

  /** Finishes the batch at hand and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { events, live, logger } = this.#options;
    using _owned = this.#ownership;
    using _appends = events.onAppend(() => this.wake());
    using _swaps = live.onSwap(() => {
      // A new generation may do what the old one could not.
      this.#restUntilMs.clear();
      this.wake();
    });
    while (!this.#stop.signal.aborted) {
      try {
        await this.#catchUp();
      } catch (error) {
        logger.log(
          "error",
          "Live updates failed; they go on with the next poll",
          { error },
        );
      }
      if (!this.#stop.signal.aborted) await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    const { clock, live, pollingInterval } = this.#options;
    const nextMs = Math.min(
      live.nextRetryAtMs(),
      this.#ownership.nextLookAtMs(),
    );
    await clock.sleep(
      Math.max(Math.min(pollingInterval, nextMs - clock.monotonicMs()), 1),
      this.#wake.signal,
    );
  }

  /** Rounds of one transaction for each group of projections that stand at the same position. */
  async #catchUp(): Promise<void> {
    const { events } = this.#options;
    let mayWait = false;
    for (let hasMore = true; hasMore && !this.#stop.signal.aborted;) {
      hasMore = false;
      let hasMoved = false;
      // Anew before looking: what is appended while it looks must wake it again.
      this.#wake = new AbortController();
      const head = await events.head();
      const groups = await this.#groups(head);
      const batchesMax = groups.length > 1
        ? HELD_BATCHES_MAX_SHARED
        : HELD_BATCHES_MAX;
      for (const { after, names } of groups) {
        if (this.#stop.signal.aborted) return;
        hasMore = true;
        // Beyond that, connections are closed between batches, and what is held goes with them.
        const mayHold = names.length <= OPEN_MAX.changing;
        const range = { after, head, batchesMax: mayHold ? batchesMax : 1 };
        try {
          if (await this.#advance(names, range, mayWait)) hasMoved = true;
        } catch (error) {
          // Others may stand before the place that cannot be read.
          this.#setAside(names, "Live updates failed", error);
        }
        // Promises alone would keep requests waiting until everything is caught up.
        await setImmediate();
      }
      // Whoever changes a projection is waited for only where there is nothing else to do.
      mayWait = !hasMoved;
    }
  }

  #isResting(name: string): boolean {
    const untilMs = this.#restUntilMs.get(name) ?? -Infinity;
    return this.#options.clock.monotonicMs() < untilMs;
  }

  /** Who is behind, by position, the least first: who reads those notices the wait. */
  async #groups(
    head: Position,
  ): Promise<{ readonly after: Position; readonly names: string[] }[]> {
    const { registry } = this.#options;
    const groups = new Map<Position, string[]>();
    for (const name of registry.names) {
      if (this.#isResting(name)) continue;
      const cursor = await this.#cursor(name, head);
      if (cursor === undefined) continue;
      const group = groups.get(cursor) ?? [];
      group.push(name);
      groups.set(cursor, group);
    }
    return [...groups].map(([after, names]) => ({ after, names }))
      .sort((a, b) => b.after - a.after);
  }

  /** Where a projection goes on; `undefined` when there is nothing to apply, or not here and now. */
  async #cursor(name: string, head: Position): Promise<Position | undefined> {
    try {
      const cursor = await this.#options.live.cursor(name);
      const mayApply = this.#ownership.mayApply(name, cursor, head);
      return mayApply ? cursor : undefined;
    } catch (error) {
      // A folder that is another user's, or none: the others go on.
      this.#setAside([name], "Live update failed", error);
      return undefined;
    }
  }

  /** Tries projections again with the next poll only. */
  #setAside(names: readonly string[], message: string, error: unknown): void {
    const { clock, logger, pollingInterval } = this.#options;
    const untilMs = clock.monotonicMs() + pollingInterval;
    for (const name of names) {
      this.#restUntilMs.set(name, untilMs);
      logger.log("error", message, { projection: name, error });
    }
  }

  /** Applies what comes next to a group, and says whether it was stored or held for any of it. */
  async #advance(
    names: readonly string[],
    { after, head: upTo, batchesMax }: AdvanceRange,
    mayWait: boolean,
  ): Promise<boolean> {
    const { registry, events, batchSize, clock } = this.#options;
    const types = eventTypesOf(names.map((name) => registry.get(name)));
    const query = { items: [{ types: [...types] }] };
    const range = { after, upTo, batchSize };
    const held = { after, batches: 0, bytes: 0 };
    let hasMoved = false;
    const untilMs = clock.monotonicMs() + HELD_MS_MAX;
    try {
      for await (const batch of events.readBatches(query, range)) {
        held.batches++;
        held.bytes += batch.bytes;
        const hold = batch.through < upTo && held.batches < batchesMax &&
          held.bytes < HELD_BYTES_MAX && clock.monotonicMs() < untilMs;
        freezeEvents(batch.events);
        const going = names.filter((name) => !this.#isResting(name));
        const options = { after: held.after, hold };
        if (await this.#applyAll(going, batch, options, mayWait)) {
          hasMoved = true;
        }
        held.after = batch.through;
        if (!hold) held.batches = 0;
        if (!hold || this.#stop.signal.aborted) break;
      }
    } finally {
      // Also when reading came upon damage: what comes before it is good.
      if (held.batches > 0) await this.#store(names, held.after, mayWait);
    }
    return hasMoved;
  }

  /** Stores what was held back. */
  async #store(
    names: readonly string[],
    after: Position,
    mayWait: boolean,
  ): Promise<void> {
    const nothing = { events: [], through: after, bytes: 0 };
    await this.#applyAll(names, nothing, { after }, mayWait);
  }

  /**
   * Applies a batch to several, and last to those whose generation somebody else is changing, if
   * they may be waited for. Says whether it came to any of them.
   */
  async #applyAll(
    names: readonly string[],
    batch: EventBatch,
    options: ApplyBatchOptions,
    mayWait: boolean,
  ): Promise<boolean> {
    const yielder = new Yielder();
    const busy: string[] = [];
    for (const name of names) {
      const applied = await this.#apply(name, batch, options);
      if (applied === undefined) busy.push(name);
      await yielder.yieldIfDue();
    }
    const hasMoved = busy.length < names.length;
    if (!mayWait) return hasMoved;
    // New events do not wait for those: the others come first again.
    const waitUntil = this.#wake.signal;
    for (const name of busy) {
      if (waitUntil.aborted) break;
      await this.#apply(name, batch, { ...options, waitUntil });
    }
    return true;
  }

  async #apply(
    name: string,
    batch: EventBatch,
    options: ApplyBatchOptions,
  ): Promise<number | undefined> {
    const { live, telemetry } = this.#options;
    const projection = { [ATTRIBUTES.projectionName]: name };
    const startMs = performance.now();
    let failure = {};
    try {
      const applied = telemetry.isTraced()
        ? await this.#applyTraced(name, batch, options)
        : await live.apply(name, batch, options);
      if (applied === undefined) return undefined;
      telemetry.liveEvents.add(applied, projection);
    } catch (error) {
      failure = { [ATTRIBUTES.errorType]: errorType(error) };
      // A locked or full disk: the others go on, this one is tried with the next poll.
      this.#setAside([name], "Live update failed", error);
    }
    telemetry.liveBatchDuration.record(
      (performance.now() - startMs) / 1_000,
      { ...projection, ...failure },
    );
    return 0;
  }

  async #applyTraced(
    name: string,
    batch: EventBatch,
    options: ApplyBatchOptions,
  ): Promise<number | undefined> {
    const { live, telemetry } = this.#options;
    const { after } = options;
    return await telemetry.span(
      SPANS.liveBatch,
      {
        // In no trace of theirs: one batch may come of many appends.
        parent: "none",
        links: telemetry.appendSpans.within(after, batch.through),
        attributes: {
          [ATTRIBUTES.projectionName]: name,
          [ATTRIBUTES.positionFirst]: after + 1,
          [ATTRIBUTES.positionLast]: batch.through,
        },
      },
      async (span) => {
        const before = live.fault(name);
        const applied = await live.apply(name, batch, options);
        const fault = live.fault(name);
        // It is not thrown: what comes before the event is stored.
        if (fault !== null && fault.attempts !== before?.attempts) {
          span.setAttributes({
            [ATTRIBUTES.errorPosition]: fault.position,
            [ATTRIBUTES.errorEventType]: fault.eventType,
          });
          span.failAs(ProjectionApplyError.name);
        }
        if (applied !== undefined) {
          span.setAttributes({ [ATTRIBUTES.eventCount]: applied });
        }
        return applied;
      },
    );
  }
}
