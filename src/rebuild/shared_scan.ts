/**
 * The shared scan: one pass over the log that builds a group of projections, in workers where it
 * is worth it, and then, in the serving thread, the catch-up and the swap of each.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { EventSpill } from "../projections/event_spill.ts";
import { GROUP_SIZE_MAX } from "../projections/put_aside.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type {
  Build,
  GenerationLocation,
  ProjectionStore,
} from "../projections/projection_store.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { Yielder } from "../storage/yielder.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { runInContext } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BuildTask } from "./build_task.ts";
import { beginBuild, type Member } from "./begin_build.ts";
import { openBuildSpan } from "./build_span.ts";
import { CatchUp } from "./catch_up.ts";
import { lendAll } from "./lend_all.ts";
import { toAssignment, toPassMember } from "./scan_members.ts";
import { type PassSettings, scanPass } from "./scan_pass.ts";
import { readUnparsed } from "./scan_sources.ts";
import { ScanNotes } from "./scan_span.ts";
import type { ScanWorkers } from "./scan_workers.ts";
import type { RebuildThrottle } from "./throttle.ts";
import { whenAllGo } from "./when_going.ts";

/** What a scan is made of. */
export interface SharedScanOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly live: LiveUpdater;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Scans large logs, where the definitions can be loaded in workers. */
  readonly workers: ScanWorkers | undefined;
  /** Makes a temporary file for events that are put aside, beside the builds of a projection. */
  readonly openSpill: (projectionName: string) => EventSpill;
  /** Events a batch. */
  readonly batchSize: number;
  /** Memory for documents, in bytes, over all projections that are rebuilt at once. */
  readonly memoryBytesMax: number;
  /** How many projections may be rebuilt at once. */
  readonly concurrency: number;
  /** How often what is folded is stored, in milliseconds. */
  readonly checkpointInterval: number;
  /** Says how fast a pass may go. */
  readonly throttle: RebuildThrottle;
}

/** Below this many events a worker takes longer to start than the scan to finish. */
const WORKER_EVENTS_MIN = 20_000;

/** Builds groups of projections. */
export class SharedScan {
  readonly #options: SharedScanOptions;
  readonly #catchUp: CatchUp;

  /** @param options What it is made of. */
  constructor(options: SharedScanOptions) {
    this.#options = options;
    this.#catchUp = new CatchUp(options);
  }

  /**
   * Builds a group. Each task ends by itself: one that fails or is stopped leaves the others
   * going.
   *
   * @param group The tasks, all of them queued.
   * @returns Resolves when all have ended, or wait to be promoted. Never rejects.
   */
  async run(group: readonly BuildTask[]): Promise<void> {
    const [first] = group;
    // Not for whoever gave them their place.
    if (first) await runInContext(first.context, () => this.#run(group));
  }

  async #run(group: readonly BuildTask[]): Promise<void> {
    const members: Member[] = [];
    for (const task of group) {
      const span = openBuildSpan(this.#options, task);
      await runInContext(
        span.context,
        () =>
          this.#guard(task, undefined, async () => {
            await this.#discardCancelled(task);
            members.push(await beginBuild(this.#options, task, span));
          }),
      );
    }
    try {
      await this.#scanAll(members);
    } catch (error) {
      // Reading failed, which stops them all.
      for (const member of members) {
        await this.#abandon(member.task, member.build, error);
      }
    }
    // At once: each waits for the disk several times.
    await Promise.all(
      members.filter(({ task }) => !task.hasEnded).map((member) =>
        runInContext(member.span.context, () =>
          this.#guard(
            member.task,
            member.build,
            async () => {
              await this.#catchUp.finish(member);
              if (member.task.isParked) {
                this.#tellParked(member);
                this.#watchParked(member);
              }
            },
          ))
      ),
    );
  }

  #tellParked({ task, build }: Member): void {
    const { projectionName, operationId, eventsProcessed } = task;
    this.#options.logger.log(
      "info",
      `Projection '${projectionName}' is built and waits to be promoted`,
      {
        operationId,
        projection: projectionName,
        generation: build.generation.number,
        events: eventsProcessed,
      },
    );
  }

  /** One that is stopped while it waits to be promoted has nobody else who ends it. */
  #watchParked({ task, build }: Member): void {
    const end = () => {
      if (task.isParked) void this.#abandon(task, build, task.signal.reason);
    };
    if (task.signal.aborted) end();
    else task.signal.addEventListener("abort", end, { once: true });
  }

  /**
   * Deletes what an earlier run of a task has left behind. Its build lock is held.
   *
   * @param task The task.
   */
  async discard({ projectionName }: BuildTask): Promise<void> {
    const { store, live } = this.#options;
    const identity = live.identity(projectionName);
    // Beginning anew sweeps it away, also what another definition has begun.
    const build = await store.begin(identity, { resume: false });
    await build.discard();
  }

  /** Else the next start would go on with what was cancelled before it was begun here. */
  async #discardCancelled(task: BuildTask): Promise<void> {
    const { aborted, reason } = task.signal;
    if (!aborted) return;
    // What waited to be promoted is deleted by whoever built it.
    if (reason === "cancelled" && !task.isParked) await this.discard(task);
    task.signal.throwIfAborted();
  }

  /** Scans as far as each may, compares those that are to be, and scans the rest for them. */
  async #scanAll(members: readonly Member[]): Promise<void> {
    const { events, batchSize } = this.#options;
    const head = await events.head();
    const groups = Map.groupBy(members, ({ compareAt = head }) => compareAt);
    for (const [upTo, group] of groups) await this.#scan(group, upTo, head);
    const verified = members.filter(({ compareAt }) => compareAt !== undefined);
    for (const member of verified) {
      if (member.task.hasEnded) continue;
      await runInContext(member.span.context, () =>
        this.#guard(
          member.task,
          member.build,
          () => this.#catchUp.verify(member),
        ));
      member.eventsBefore = member.task.eventsProcessed;
    }
    const behind = verified.filter(({ task, compareAt = head }) =>
      !task.hasEnded && head - compareAt > batchSize
    );
    await this.#scan(behind, head, head);
  }

  /** The target is told, as that is where the work ends. */
  async #scan(
    members: readonly Member[],
    upTo: Position,
    target: Position,
  ): Promise<void> {
    const { telemetry } = this.#options;
    const [first] = members;
    if (!first) return;
    const options = {
      // The span of a pass that several share stands under the first of them.
      parent: first.span.context,
      links: members.slice(1).map(({ span }) => span.context),
      attributes: { [ATTRIBUTES.projectionCount]: members.length },
    };
    await telemetry.span(SPANS.rebuildScan, options, async (span) => {
      const notes = span.isRecording
        ? new ScanNotes(
          telemetry,
          span,
          members.map(({ task }) => task.progress().position),
          upTo,
        )
        : undefined;
      for (const [index, member] of members.entries()) {
        member.notes = notes?.of(index, member);
        if (member !== first) member.span.link(span.context);
      }
      try {
        const left = await this.#scanInWorkers(members, upTo, target);
        for (let at = 0; at < left.length; at += GROUP_SIZE_MAX) {
          const group = left.slice(at, at + GROUP_SIZE_MAX);
          await this.#scanInProcess(group, upTo, target);
        }
      } finally {
        notes?.end();
      }
    });
  }

  /** Scans what workers can; returns what is left for this thread. */
  async #scanInWorkers(
    members: readonly Member[],
    upTo: Position,
    target: Position,
  ): Promise<readonly Member[]> {
    const { workers } = this.#options;
    const checkpoints = await Promise.all(
      members.map(async ({ build }) =>
        (await build.generation.status()).checkpoint
      ),
    );
    const after = Math.min(...checkpoints);
    if (!workers || upTo - after < WORKER_EVENTS_MIN) return members;
    const settings = this.#settings(members, upTo);
    const abandoned: Promise<void>[] = [];
    const outcomes = await lendAll(
      members,
      (locations) =>
        workers.scan(
          members.map((member, index) =>
            toAssignment(this.#options, member, {
              target,
              location: locations[index] as GenerationLocation,
              fail: (error) =>
                abandoned.push(
                  this.#abandon(member.task, member.build, error),
                ),
            })
          ),
          settings,
        ),
    );
    await Promise.all(abandoned);
    const left: Member[] = [];
    for (const [index, member] of members.entries()) {
      const outcome = outcomes[index];
      const { task } = member;
      if (outcome === "done") {
        member.eventsBefore = task.eventsProcessed;
      } else if (typeof outcome === "object") {
        this.#options.logger.log(
          "warn",
          "Projection cannot be rebuilt in a worker, so it is rebuilt in the serving process",
          {
            operationId: task.operationId,
            projection: task.projectionName,
            error: outcome.unsuitable,
          },
        );
        left.push(member);
      }
    }
    return left;
  }

  async #scanInProcess(
    members: readonly Member[],
    upTo: Position,
    target: Position,
  ): Promise<void> {
    const { events, batchSize, clock, openSpill, throttle } = this.#options;
    const yielder = new Yielder();
    const [first] = members;
    if (!first) return;
    using pass = throttle.enterHere(members.map(({ task }) => task.signal));
    const buildOf = new Map(members.map(({ task, build }) => [task, build]));
    await scanPass({
      ...this.#settings(members, upTo),
      members: await Promise.all(
        members.map((member) =>
          toPassMember(this.#options, member, {
            target,
            fail: (error) => this.#abandon(member.task, member.build, error),
          })
        ),
      ),
      // The store has parsed them already.
      guessKeys: false,
      monotonicMs: () => clock.monotonicMs(),
      openSpill: () => openSpill(first.task.projectionName),
      read: (types, after) =>
        readUnparsed(events, types, { after, upTo, batchSize }),
      breathe: (eventsRead) =>
        pass.rest(eventsRead, async () => {
          await yielder.yieldIfDue();
          await whenAllGo(
            members.map(({ task }) => task),
            (task) =>
              this.#abandon(task, buildOf.get(task), task.signal.reason),
          );
        }),
    });
    for (const member of members) {
      member.eventsBefore = member.task.eventsProcessed;
    }
  }

  #settings(members: readonly Member[], upTo: Position): PassSettings {
    const { batchSize, memoryBytesMax, concurrency, checkpointInterval } =
      this.#options;
    return {
      upTo,
      batchSize,
      checkpointInterval,
      memoryBytesMax: Math.floor(
        memoryBytesMax * members.length / concurrency,
      ),
    };
  }

  /** Ends the task if the action fails. */
  async #guard(
    task: BuildTask,
    build: Build | undefined,
    action: () => Promise<void>,
  ): Promise<void> {
    try {
      if (build) task.signal.throwIfAborted();
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
