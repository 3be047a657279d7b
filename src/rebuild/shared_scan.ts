/**
 * The shared scan: one pass over the log that builds a group of projections. Each event is read,
 * checked and parsed once and handed to every projection that wants its type.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventBatch, EventStore } from "../events/event_store.ts";
import { Fold } from "../projections/fold.ts";
import { freezeEvents } from "../projections/freeze_events.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type {
  Build,
  ProjectionStore,
} from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { Yielder } from "../storage/yielder.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BuildTask } from "./build_task.ts";

/** What a scan is made of. */
export interface SharedScanOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Events a batch. */
  readonly batchSize: number;
  /** Memory for documents, in bytes, over all projections that are rebuilt at once. */
  readonly memoryBytesMax: number;
  /** How many projections may be rebuilt at once. */
  readonly concurrency: number;
  /** How often what is folded is stored, in milliseconds. */
  readonly checkpointInterval: number;
}

/** A task with what it builds. */
interface Member {
  readonly task: BuildTask;
  readonly build: Build;
  readonly fold: Fold;
  readonly span: OpenSpan;
  /** Whom it shares memory with, itself included. */
  readonly group: readonly Member[];
  flushedMs: number;
  flushDurationMs: number;
}

/**
 * A flush stores every document that changed since the last one, which late in a build is nearly
 * all of them: so many times its duration passes before the next.
 */
const FLUSH_INTERVAL_FACTOR = 10;

/** Builds groups of projections. */
export class SharedScan {
  readonly #options: SharedScanOptions;

  /** @param options What it is made of. */
  constructor(options: SharedScanOptions) {
    this.#options = options;
  }

  /**
   * Builds a group. Each task ends by itself: one that fails or is stopped leaves the others
   * going.
   *
   * @param group The tasks, all of them queued.
   * @returns Resolves when all have ended. Never rejects.
   */
  async run(group: readonly BuildTask[]): Promise<void> {
    const members: Member[] = [];
    for (const task of group) {
      await this.#guard(task, undefined, async () => {
        members.push(await this.#begin(task, members));
      });
    }
    try {
      await this.#scan(members);
    } catch (error) {
      // Reading failed, which stops them all.
      for (const member of members) {
        await this.#abandon(member.task, member.build, error);
      }
    }
    // One after the other: each holds its projection's lock for the last few events.
    for (const member of members) {
      if (member.task.hasEnded) continue;
      await this.#guard(member.task, member.build, () => this.#finish(member));
    }
  }

  async #begin(task: BuildTask, group: readonly Member[]): Promise<Member> {
    const { registry, store, events, live, clock, telemetry } = this.#options;
    // What serves holds events that a rebuild would leave out.
    if (events.damage) throw events.damage;
    const name = task.projectionName;
    const resume = task.reason === "interrupted";
    const build = await store.begin(live.identity(name), { resume });
    const { checkpoint } = await build.generation.status();
    const fold = new Fold(registry.get(name), build.generation, { checkpoint });
    task.begin(checkpoint);
    const span = telemetry.startSpan(SPANS.rebuildProjection, {
      parent: task.context,
      attributes: {
        [ATTRIBUTES.projectionName]: name,
        [ATTRIBUTES.rebuildReason]: task.reason,
        [ATTRIBUTES.generation]: build.generation.number,
      },
    });
    task.ended.then(({ state, eventsProcessed, eventsScanned }) => {
      span.setAttributes({
        [ATTRIBUTES.rebuildOutcome]: state,
        [ATTRIBUTES.eventCount]: eventsProcessed,
        [ATTRIBUTES.eventsScanned]: eventsScanned,
      });
      span.end();
    });
    const flushedMs = clock.monotonicMs();
    return { task, build, fold, span, group, flushedMs, flushDurationMs: 0 };
  }

  async #scan(members: readonly Member[]): Promise<void> {
    const { events, telemetry } = this.#options;
    const [first] = members;
    if (!first) return;
    const upTo = await events.head();
    const options = {
      // The span of a pass that several share stands under the first of them.
      parent: first.span.context,
      links: members.slice(1).map(({ span }) => span.context),
      attributes: { [ATTRIBUTES.projectionCount]: members.length },
    };
    await telemetry.span(SPANS.rebuildScan, options, async () => {
      const after = Math.min(...members.map(({ fold }) => fold.checkpoint));
      await this.#feed(members, after, upTo);
    });
  }

  /** Feeds the log to whoever still takes part. */
  async #feed(
    members: readonly Member[],
    after: Position,
    upTo: Position,
  ): Promise<void> {
    const { events, batchSize } = this.#options;
    const query = { items: [{ types: this.#typesOf(members) }] };
    const yielder = new Yielder();
    for await (
      const batch of events.readBatches(query, { after, upTo, batchSize })
    ) {
      freezeEvents(batch.events);
      const running = members.filter(({ task }) => !task.hasEnded);
      if (running.length === 0) return;
      for (const member of running) {
        await this.#guard(
          member.task,
          member.build,
          () => this.#take(member, batch, upTo),
        );
        await yielder.yieldIfDue();
      }
    }
  }

  async #take(
    member: Member,
    batch: EventBatch,
    upTo: Position,
  ): Promise<void> {
    const { clock, checkpointInterval } = this.#options;
    const { task, fold } = member;
    task.signal.throwIfAborted();
    await fold.apply(batch);
    task.advance(fold.checkpoint, upTo, fold.eventsApplied);
    const isFull = this.#isLargestOf(member, 1);
    const startedMs = clock.monotonicMs();
    const intervalMs = Math.max(
      checkpointInterval,
      member.flushDurationMs * FLUSH_INTERVAL_FACTOR,
    );
    if (isFull || startedMs - member.flushedMs >= intervalMs) {
      await fold.flush();
      // The flush weighed the documents anew. What stays large goes altogether: what was kept
      // would have to be stored again the sooner.
      if (isFull && this.#isLargestOf(member, 0.5)) fold.evict();
      member.flushedMs = clock.monotonicMs();
      member.flushDurationMs = member.flushedMs - startedMs;
    }
  }

  /**
   * Whether the group holds more than a share of its memory, and this member the most of it:
   * small projections leave their room to large ones.
   */
  #isLargestOf({ group, fold }: Member, share: number): boolean {
    const { memoryBytesMax, concurrency } = this.#options;
    const held = group.filter(({ task }) => !task.hasEnded)
      .map((member) => member.fold.bytes);
    const bytes = held.reduce((sum, next) => sum + next, 0);
    const bytesMax = memoryBytesMax * group.length / concurrency;
    return bytes > bytesMax * share && fold.bytes >= Math.max(...held);
  }

  /** Catches up with what was appended meanwhile, then swaps the generation in. */
  async #finish(member: Member): Promise<void> {
    const { store, events, batchSize, live, telemetry } = this.#options;
    const { task, build, fold, span } = member;
    const name = task.projectionName;
    const options = {
      parent: span.context,
      attributes: { [ATTRIBUTES.projectionName]: name },
    };
    task.enter("catchingUp");
    await telemetry.span(SPANS.rebuildCatchUp, options, async () => {
      await fold.flush();
      for (
        let head = await events.head();
        head - fold.checkpoint > batchSize;
      ) {
        await this.#feedOne(member, head);
        await fold.flush();
        head = await events.head();
      }
    });
    task.enter("swapping");
    const outcome = await telemetry.span(
      SPANS.rebuildSwap,
      options,
      async () => {
        using _lock = await store.lockLive(name, task.signal);
        // With the lock held nothing is applied live: what is left is only a few events.
        await this.#feedOne(member, await events.head());
        await fold.flush();
        task.signal.throwIfAborted();
        const { documents, checkpoint } = await build.generation.status();
        await build.swapIn();
        live.swapped(name);
        return { documents, checkpoint };
      },
    );
    task.succeed(outcome);
  }

  async #feedOne(member: Member, upTo: Position): Promise<void> {
    const { events, batchSize } = this.#options;
    const { task, fold } = member;
    const query = { items: [{ types: this.#typesOf([member]) }] };
    const range = {
      after: fold.checkpoint,
      upTo,
      batchSize,
      signal: task.signal,
    };
    for await (const batch of events.readBatches(query, range)) {
      freezeEvents(batch.events);
      await this.#take(member, batch, upTo);
    }
  }

  #typesOf(members: readonly Member[]): string[] {
    const types = new Set<string>();
    for (const { task } of members) {
      const { eventTypes, related } = this.#options.registry.get(
        task.projectionName,
      );
      for (const type of [...eventTypes, ...related?.eventTypes ?? []]) {
        types.add(type);
      }
    }
    return [...types];
  }

  /** Ends the task if the action fails. */
  async #guard(
    task: BuildTask,
    build: Build | undefined,
    action: () => Promise<void>,
  ): Promise<void> {
    try {
      task.signal.throwIfAborted();
      await action();
    } catch (error) {
      await this.#abandon(task, build, error);
    }
  }

  async #abandon(
    task: BuildTask,
    build: Build | undefined,
    error: unknown,
  ): Promise<void> {
    if (task.hasEnded) return;
    try {
      // An interrupted build is kept: it goes on from its last commit after the restart.
      if (task.signal.reason === "interrupted") {
        await build?.[Symbol.asyncDispose]();
      } else await build?.discard();
    } catch {
      // The first error is the one to report; leftovers are swept by the next build.
    }
    task.fail(error);
  }
}
