/**
 * The daemon: start-up, live updates and schedule in one life cycle.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import { openedReadOnly } from "../rebuild/errors.ts";
import type { OpossumRebuilder } from "../rebuild/opossum_rebuilder.ts";
import type { ProjectionRebuildResult } from "../rebuild/operation.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Daemon, DaemonState } from "./daemon.ts";
import { LiveLoop, type LiveLoopOptions } from "./live_loop.ts";
import { startSchedule } from "./schedule.ts";

/** What the daemon is made of. */
export interface OpossumDaemonOptions extends LiveLoopOptions {
  readonly rebuilder: OpossumRebuilder;
  readonly logger: Logger;
  /** What to rebuild at start-up. */
  readonly enableAutoRebuild: boolean | "force";
  /** When to rebuild what needs it, besides. */
  readonly rebuildSchedule: string | undefined;
  /** Whether nothing may be written, so that it does not start. @default {false} */
  readonly readOnly?: boolean;
}

/** Keeps the projections of one store up to date. */
export class OpossumDaemon implements Daemon {
  readonly #options: OpossumDaemonOptions;
  #state: DaemonState = "stopped";
  #loop: LiveLoop | undefined;
  #schedule = new AbortController();
  #started: Promise<void> = Promise.resolve();

  /** @param options What it is made of. */
  constructor(options: OpossumDaemonOptions) {
    this.#options = options;
  }

  get state(): DaemonState {
    return this.#state;
  }

  start(): Promise<void> {
    if (this.#state !== "stopped") return Promise.resolve();
    const { rebuildSchedule: schedule, logger, readOnly } = this.#options;
    if (readOnly) {
      return Promise.reject(openedReadOnly("start the daemon"));
    }
    this.#state = "starting";
    this.#loop = new LiveLoop(this.#options);
    // Live updates do not wait for rebuilds: healthy projections stay fresh meanwhile.
    this.#loop.start();
    this.#schedule = new AbortController();
    if (schedule !== undefined) {
      const action = () => this.#rebuild("schedule");
      startSchedule({
        schedule,
        action,
        signal: this.#schedule.signal,
        logger,
      });
    }
    this.#started = this.#startUp();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "stopping";
    this.#schedule.abort();
    await this.#loop?.stop();
    this.#loop = undefined;
    this.#state = "stopped";
  }

  whenStarted(): Promise<void> {
    return this.#started;
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
      await Promise.all(await rebuilder.resumeInterrupted());
    });
    if (enableAutoRebuild !== false) await this.#rebuild("startup");
    this.#loop?.wake();
    if (this.#state === "starting") this.#state = "running";
  }

  async #rebuild(trigger: "startup" | "schedule"): Promise<void> {
    // Stopped meanwhile.
    if (this.#state !== "starting" && this.#state !== "running") return;
    const { rebuilder, logger, enableAutoRebuild } = this.#options;
    const forceRebuild = trigger === "startup" && enableAutoRebuild === "force";
    logger.log("info", "Checking for projections that need rebuilding...", {
      trigger,
    });
    await this.#isolate("Automatic rebuild failed", async () => {
      const plan = await rebuilder.plan(undefined, { forceRebuild, trigger });
      if (plan.some(({ rebuild }) => rebuild)) {
        this.#logResult(await rebuilder.rebuildAll({ forceRebuild, trigger }));
      } else {
        // Not an operation: every start would add one to the history.
        logger.log(
          "info",
          "All projections are up to date (no rebuilds needed)",
          { trigger },
        );
      }
    });
    this.#loop?.wake();
  }

  #logResult(result: ProjectionRebuildResult): void {
    const { logger } = this.#options;
    const { totalRebuilt, details, failedProjections, success } = result;
    const attributes = {
      operationId: result.operationId,
      duration: Math.round(result.duration),
    };
    if (success) {
      logger.log(
        "info",
        `Successfully rebuilt ${totalRebuilt} projections`,
        attributes,
      );
    } else {
      logger.log(
        "warn",
        `Projection rebuild completed with ${totalRebuilt} successes and ` +
          `${details.length - totalRebuilt} failures. ` +
          `Failed projections: ${failedProjections.join(", ")}`,
        attributes,
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
