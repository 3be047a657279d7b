/**
 * The end of a rebuild: catches up with the log, and swaps the new generation in, or lets it wait
 * to be promoted.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { eventTypesOf } from "../projections/event_types.ts";
import { Fold } from "../projections/fold.ts";
import { freezeEvents } from "../projections/freeze_events.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type {
  Build,
  ProjectionStore,
} from "../projections/projection_store.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BuildTask } from "./build_task.ts";
import type { RebuildThrottle } from "./throttle.ts";
import { verifyBuild } from "./verification.ts";
import { whenGoing } from "./when_going.ts";

/**
 * Nobody reads it yet, and what is appended meanwhile changes the same documents again and again.
 * Every commit waits for the disk.
 */
const BATCHES_PER_COMMIT = 16;

/** As long as each round leaves less than this share of the one before, there is another one. */
const CONVERGING = 0.9;

/** Memory for the documents of a build between two commits, in bytes. */
const HELD_BYTES_MAX = 33_554_432;

/** What it is made of. */
export interface CatchUpOptions {
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly telemetry: Telemetry;
  /** Events a batch. */
  readonly batchSize: number;
  /** Says how fast it may go, but for the last few events. */
  readonly throttle: RebuildThrottle;
}

/** A task with what it built. */
export interface ScannedBuild {
  readonly task: BuildTask;
  readonly definition: ProjectionDefinition;
  readonly build: Build;
  readonly span: OpenSpan;
  /** Events applied by the scan. */
  readonly eventsBefore: number;
}

/** Brings builds to their end. */
export class CatchUp {
  readonly #options: CatchUpOptions;

  /** @param options What it is made of. */
  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /**
   * Catches up with what was appended meanwhile, then swaps the generation in.
   *
   * @param member A build whose scan is over.
   */
  async finish(member: ScannedBuild): Promise<void> {
    const { store, events, live, telemetry } = this.#options;
    const { task, build, span } = member;
    const name = task.projectionName;
    const options = {
      parent: span.context,
      attributes: { [ATTRIBUTES.projectionName]: name },
    };
    const fold = await this.#foldOf(member);
    task.enter("catchingUp");
    await telemetry.span(SPANS.rebuildCatchUp, options, async (phase) => {
      const after = fold.checkpoint;
      await this.#approach(member, fold);
      // Not under the lock, since it takes long for many documents.
      build.prepare();
      await whenGoing(task);
      // Much may have been appended since, above all during a pause.
      await this.#approach(member, fold);
      tellReach(phase, fold, after);
    });
    if (!task.isApproved) {
      task.signal.throwIfAborted();
      build.writeNote("awaiting", "yes");
      // However long it waits, nothing of it is held in memory.
      await build[Symbol.asyncDispose]();
      task.park();
      return;
    }
    task.enter("swapping");
    const outcome = await telemetry.span(
      SPANS.rebuildSwap,
      options,
      async (phase) => {
        const after = fold.checkpoint;
        using _lock = await store.lockLive(name, task.signal);
        // With the lock held nothing is applied live: mostly only a few events are left.
        // It is not held up any more, as that would hold up the lock.
        await this.#feed(member, fold, await events.head(), () => {});
        task.signal.throwIfAborted();
        const { documents, checkpoint, bytes } = await build.generation
          .status();
        await build.swapIn();
        live.swapped(name);
        telemetry.rebuildBytes.add(bytes, options.attributes);
        tellReach(phase, fold, after);
        span.setAttributes({
          [ATTRIBUTES.documentCount]: documents,
          [ATTRIBUTES.projectionBytes]: bytes,
        });
        return { documents, checkpoint };
      },
    );
    task.succeed(outcome);
  }

  /**
   * Compares a build with what serves, and notes in it what came of that.
   *
   * @param member A build that is not past what serves.
   */
  async verify(member: ScannedBuild): Promise<void> {
    const { store, telemetry } = this.#options;
    const { task, build, span } = member;
    const name = task.projectionName;
    const options = {
      parent: span.context,
      attributes: { [ATTRIBUTES.projectionName]: name },
    };
    task.enter("catchingUp");
    const fold = await this.#foldOf(member);
    const approach = async (upTo: Position) => {
      if (upTo > fold.checkpoint) await this.#feedSlowly(member, fold, upTo);
    };
    const advance = async (upTo: Position) => {
      if (upTo > fold.checkpoint) {
        await this.#feed(member, fold, upTo, () => {});
      }
    };
    // Its documents are data: spans are told nothing of what was found.
    task.comparison = await telemetry.span(
      SPANS.rebuildVerify,
      options,
      () => verifyBuild(member, { store, approach, advance }),
    );
    build.writeNote("comparison", JSON.stringify(task.comparison));
  }

  /** Goes on where the build is. */
  async #foldOf({ task, definition, build }: ScannedBuild): Promise<Fold> {
    const { checkpoint } = await build.generation.status();
    const watch = this.#options.live.watch(task.projectionName);
    return new Fold(definition, build.generation, { checkpoint, watch });
  }

  /** Applies what was appended meanwhile, until little is left or it does not get less. */
  async #approach(member: ScannedBuild, fold: Fold): Promise<void> {
    const { events, batchSize } = this.#options;
    for (let before = Infinity;;) {
      const left = await events.head() - fold.checkpoint;
      // When all but as much is appended meanwhile, there would be no end to it.
      if (left <= batchSize || left > before * CONVERGING) return;
      before = left;
      await this.#feedSlowly(member, fold, fold.checkpoint + left);
    }
  }

  /** As fast as rebuilds may go: much may have been appended during a scan, or a pause. */
  async #feedSlowly(
    member: ScannedBuild,
    fold: Fold,
    upTo: Position,
  ): Promise<void> {
    const { task } = member;
    using pass = this.#options.throttle.enterHere([task.signal]);
    await this.#feed(
      member,
      fold,
      upTo,
      (eventsRead) => pass.rest(eventsRead, () => whenGoing(task)),
    );
  }

  async #feed(
    { task, definition, eventsBefore }: ScannedBuild,
    fold: Fold,
    upTo: Position,
    beforeBatch: (eventsRead: number) => Promise<void> | void,
  ): Promise<void> {
    const { events, batchSize } = this.#options;
    const query = { items: [{ types: [...eventTypesOf([definition])] }] };
    const range = {
      after: fold.checkpoint,
      upTo,
      batchSize,
      signal: task.signal,
    };
    let batches = 0;
    for await (const batch of events.readBatches(query, range)) {
      await beforeBatch(batch.through - fold.checkpoint);
      task.signal.throwIfAborted();
      freezeEvents(batch.events);
      await fold.apply(batch);
      const isDue = ++batches % BATCHES_PER_COMMIT === 0;
      if (isDue || fold.heldBytes > HELD_BYTES_MAX) await commit(fold);
      task.advance({
        position: fold.checkpoint,
        target: upTo,
        eventsProcessed: eventsBefore + fold.eventsApplied,
        worked: fold.checkpoint,
      });
    }
    await commit(fold);
  }
}

/** Tells a phase's span which events it was about, if it was about any. */
function tellReach(phase: OpenSpan, fold: Fold, after: Position): void {
  if (fold.checkpoint === after) return;
  phase.setAttributes({
    [ATTRIBUTES.positionFirst]: after + 1,
    [ATTRIBUTES.positionLast]: fold.checkpoint,
  });
}

async function commit(fold: Fold): Promise<void> {
  await fold.flush();
  // It holds what it read, and must not grow.
  fold.shed(HELD_BYTES_MAX);
}
