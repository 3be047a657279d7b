/**
 * The end of a rebuild: catches up with the log, and swaps the new generation in.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
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

/** What it is made of. */
export interface CatchUpOptions {
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly telemetry: Telemetry;
  /** Events a batch. */
  readonly batchSize: number;
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

/** How far a catch-up has come. */
interface CatchUpState {
  checkpoint: Position;
  eventsApplied: number;
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
    const { store, events, batchSize, live, telemetry } = this.#options;
    const { task, build, span } = member;
    const name = task.projectionName;
    const options = {
      parent: span.context,
      attributes: { [ATTRIBUTES.projectionName]: name },
    };
    const start = await build.generation.status();
    const state = { checkpoint: start.checkpoint, eventsApplied: 0 };
    task.enter("catchingUp");
    await telemetry.span(SPANS.rebuildCatchUp, options, async () => {
      for (
        let head = await events.head();
        head - state.checkpoint > batchSize;
      ) {
        await this.#feed(member, state, head, () => task.whenGoing());
        head = await events.head();
      }
      // Not under the lock, since it takes long for many documents.
      build.prepare();
      await task.whenGoing();
    });
    task.enter("swapping");
    const outcome = await telemetry.span(
      SPANS.rebuildSwap,
      options,
      async () => {
        using _lock = await store.lockLive(name, task.signal);
        // With the lock held nothing is applied live: what is left is only a few events.
        // It is not held up any more, as that would hold up the lock.
        await this.#feed(member, state, await events.head(), () => {});
        task.signal.throwIfAborted();
        const { documents, checkpoint } = await build.generation.status();
        await build.swapIn();
        live.swapped(name);
        return { documents, checkpoint };
      },
    );
    task.succeed(outcome);
  }

  async #feed(
    { task, definition, eventsBefore, build }: ScannedBuild,
    state: CatchUpState,
    upTo: Position,
    beforeBatch: () => Promise<void> | void,
  ): Promise<void> {
    const { events, batchSize } = this.#options;
    const query = { items: [{ types: typesOf(definition) }] };
    const range = {
      after: state.checkpoint,
      upTo,
      batchSize,
      signal: task.signal,
    };
    for await (const batch of events.readBatches(query, range)) {
      await beforeBatch();
      task.signal.throwIfAborted();
      freezeEvents(batch.events);
      // One for each batch: it holds what it read, and must not grow.
      const { checkpoint } = state;
      const fold = new Fold(definition, build.generation, { checkpoint });
      await fold.apply(batch);
      await fold.flush();
      state.checkpoint = fold.checkpoint;
      state.eventsApplied += fold.eventsApplied;
      task.advance({
        position: state.checkpoint,
        target: upTo,
        eventsProcessed: eventsBefore + state.eventsApplied,
        share: 1,
      });
    }
  }
}

function typesOf({ eventTypes, related }: ProjectionDefinition): string[] {
  return [...new Set([...eventTypes, ...related?.eventTypes ?? []])];
}
