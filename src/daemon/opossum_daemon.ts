/**
 * The daemon: start-up, live updates and schedule in one life cycle.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import { openedReadOnly } from "../rebuild/errors.ts";
import type { OpossumRebuilder } from "../rebuild/opossum_rebuilder.ts";
import type {
  ProjectionRebuildResult,
  RebuildOperation,
} from "../rebuild/operation.ts";
import type { UnderWay } from "../rebuild/operations_under_way.ts";
import type { RebuildThrottle } from "../rebuild/throttle.ts";
import { runDetached } from "../telemetry/spans.ts";
import type { Daemon, DaemonState } from "./daemon.ts";
import { LiveLoop, type LiveLoopOptions } from "./live_loop.ts";
import type { RebuildWindow, RebuildWindowStatus } from "./rebuild_window.ts";
import { RebuildSchedule } from "./schedule.ts";
import {
  scrubOnSchedule,
  type ScrubScheduleOptions,
} from "./scrub_schedule.ts";

/** What the daemon is made of. */
export interface OpossumDaemonOptions
  extends LiveLoopOptions, ScrubScheduleOptions {
  readonly rebuilder: OpossumRebuilder;
  /** What to rebuild at start-up. */
  readonly enableAutoRebuild: boolean | "missing" | "force";
  /** When to rebuild what needs it, besides. */
  readonly rebuildSchedule: readonly RebuildWindow[];
  /** Bounds what is read in these windows. */
  readonly throttle: RebuildThrottle;
  /** Whether nothing may be written, so that it does not start. @default {false} */
  readonly readOnly?: boolean;
}

/** Keeps the projections of one store up to date. */
export class OpossumDaemon implements Daemon {
  readonly #options: OpossumDaemonOptions;
  #state: DaemonState = "stopped";
  #loop: LiveLoop | undefined;
  readonly #schedule: RebuildSchedule;
  #stopSchedule = new AbortController();
  #scheduled: Promise<unknown> = Promise.resolve();
  #started: Promise<void> = Promise.resolve();
  /** Projections that were found to be damaged, and are about to be rebuilt. */
  readonly #damaged = new Set<string>();
  #mending: Promise<void> = Promise.resolve();
  /** Rebuilds of those. */
  readonly #followed = new Set<Promise<void>>();
  #damageWatch: Disposable | undefined;

  /** @param options What it is made of. */
  constructor(options: OpossumDaemonOptions) {
    this.#options = options;
    this.#schedule = new RebuildSchedule({
      ...options,
      windows: options.rebuildSchedule,
      onEnded: (result) => {
        this.#logResult(result);
        this.#loop?.wake();
      },
    });
  }

  get state(): DaemonState {
    return this.#state;
  }

  start(): Promise<void> {
    if (this.#state !== "stopped") return Promise.resolve();
    const { readOnly } = this.#options;
    if (readOnly) {
      return Promise.reject(openedReadOnly("start the daemon"));
    }
    this.#state = "starting";
    // It goes on long after whoever started it.
    runDetached(() => this.#begin());
    return Promise.resolve();
  }

  #begin(): void {
    this.#loop = new LiveLoop(this.#options);
    // Live updates do not wait for rebuilds: healthy projections stay fresh meanwhile.
    this.#loop.start();
    this.#stopSchedule = new AbortController();
    const { signal } = this.#stopSchedule;
    this.#started = this.#startUp();
    // After the start: a window that is open then would be in its way.
    this.#scheduled = this.#started.then(() =>
      Promise.all([
        this.#schedule.run(signal),
        scrubOnSchedule(this.#options, signal),
      ])
    );
    this.#damageWatch = this.#options.store.onDamage((name) =>
      runDetached(() => this.#mend(name))
    );
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "stopping";
    this.#stopSchedule.abort();
    this.#damageWatch?.[Symbol.dispose]();
    await this.#loop?.stop();
    this.#loop = undefined;
    this.#state = "stopped";
  }

  whenStarted(): Promise<void> {
    return this.#started;
  }

  /** Resolves when nothing that it has begun goes on: after it and the rebuilder were stopped. */
  async whenEnded(): Promise<void> {
    await this.#started;
    await this.#mending;
    await Promise.all(this.#followed);
    await this.#scheduled;
  }

  schedule(): readonly RebuildWindowStatus[] {
    return this.#schedule.status;
  }

  async retry(name: string): Promise<void> {
    const { live, readOnly } = this.#options;
    if (readOnly) throw openedReadOnly("try the projection again");
    await live.retry(name);
  }

  async skip(name: string, position: Position): Promise<void> {
    const { live, readOnly } = this.#options;
    if (readOnly) throw openedReadOnly("pass over the event");
    await live.skip(name, position);
  }

  async #startUp(): Promise<void> {
    const { rebuilder, enableAutoRebuild } = this.#options;
    await this.#isolate("Resuming interrupted rebuilds failed", async () => {
      // What a window has closed upon waits for the next one.
      const isLeft = ({ trigger }: RebuildOperation) =>
        trigger === "schedule" && this.#schedule.isBounded;
      await Promise.all(await rebuilder.resumeInterrupted(isLeft));
    });
    if (enableAutoRebuild !== false) await this.#rebuild();
    this.#loop?.wake();
    if (this.#state === "starting") this.#state = "running";
  }

  /** Rebuilds a projection that was found to be damaged, once the start-up is over. */
  #mend(name: string): void {
    const { enableAutoRebuild, rebuilder } = this.#options;
    if (enableAutoRebuild === false) return;
    this.#damaged.add(name);
    this.#mending = this.#mending.then(() => this.#started).then(async () => {
      const names = [...this.#damaged];
      this.#damaged.clear();
      if (names.length === 0 || this.#state !== "running") return;
      await this.#isolate("Automatic rebuild failed", async () => {
        // The start-up, or another process, may have rebuilt it.
        const trigger = "damage";
        const plan = (await rebuilder.plan(undefined, { trigger }))
          .filter(({ projectionName, reason }) =>
            names.includes(projectionName) && reason === "damaged"
          ).map(({ projectionName }) => projectionName);
        if (plan.length === 0) return;
        this.#follow(await rebuilder.startDue({ trigger }, plan));
      });
    });
  }

  /** What is found meanwhile does not wait for it: that may take hours. */
  #follow(begun: UnderWay | undefined): void {
    const followed = this.#isolate("Automatic rebuild failed", async () => {
      await this.#waitFor(begun);
      this.#loop?.wake();
    });
    this.#followed.add(followed);
    followed.finally(() => this.#followed.delete(followed));
  }

  async #rebuild(): Promise<void> {
    // Stopped meanwhile.
    if (this.#state !== "starting") return;
    const { rebuilder, logger, enableAutoRebuild } = this.#options;
    const trigger = "startup";
    const due = {
      trigger,
      forceRebuild: enableAutoRebuild === "force",
      onlyMissing: enableAutoRebuild === "missing",
    } as const;
    logger.log("info", "Checking for projections that need rebuilding...", {
      trigger,
    });
    await this.#isolate("Automatic rebuild failed", async () => {
      await this.#waitFor(await rebuilder.startDue(due));
    });
    this.#loop?.wake();
  }

  /** Not for an operator: what is paused must not keep others from being rebuilt. */
  async #waitFor(begun: UnderWay | undefined): Promise<void> {
    if (!begun) return;
    const ended = begun.ended.then((result) => this.#logResult(result));
    if (await this.#options.rebuilder.untilHeld(begun)) await ended;
  }

  #logResult(result: ProjectionRebuildResult): void {
    const { logger } = this.#options;
    const { totalRebuilt, details, failedProjections, success } = result;
    const { operationId, state } = result;
    const durationMs = Math.round(result.duration);
    if (success) {
      logger.log(
        "info",
        `Successfully rebuilt ${totalRebuilt} projections in ${durationMs} ms`,
        { operationId, durationMs },
      );
    } else {
      logger.log(
        "warn",
        `Projection rebuild completed with ${totalRebuilt} successes and ` +
          `${details.length - totalRebuilt} failures. ` +
          `Failed projections: ${failedProjections.join(", ")}`,
        { operationId, state, durationMs },
      );
    }
  }

  /** A step that fails must not take the daemon with it. */
  async #isolate(message: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#options.logger.log("error", message, { error });
    }
  }
}
