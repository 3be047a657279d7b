/**
 * The rebuilder: plans, starts, joins, watches and records rebuild operations.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import { randomBytes } from "node:crypto";
import type { Position } from "../events/event.ts";
import type { Projections } from "../projections/projections.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { BuildTask, StopReason } from "./build_task.ts";
import { type BeginOptions, BuildTasks } from "./build_tasks.ts";
import { startingRebuild } from "./errors.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
} from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";
import { generationsOf } from "./interrupted.ts";
import { planAll } from "./planner.ts";
import { promoteTasks } from "./promotion.ts";
import { assertInteger, resolveRebuildOptions } from "./rebuild_options.ts";
import { RebuildReporter } from "./report.ts";
import { resumeOperations } from "./resume_operations.ts";
import {
  type ListOperationsOptions,
  type RebuildAllOptions,
  type Rebuilder,
  RebuilderClosedError,
  type RebuildOptions,
} from "./rebuilder.ts";
import { rollBackProjection } from "./roll_back_projection.ts";
import { onAbort, RunningOperation } from "./running_operation.ts";
import { RebuildScheduler } from "./scheduler.ts";
import { SharedScan, type SharedScanOptions } from "./shared_scan.ts";
import { toStatus } from "./status.ts";
import { whenSwapsEnd } from "./task_outcomes.ts";

/** What the rebuilder is made of. */
export interface OpossumRebuilderOptions extends SharedScanOptions {
  readonly projections: Projections;
  readonly history: OperationStore;
  readonly logger: Logger;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
}

interface Begun {
  readonly operation: RunningOperation;
  readonly ended: Promise<ProjectionRebuildResult>;
}

/** Rebuilds projections. */
export class OpossumRebuilder implements Rebuilder, AsyncDisposable {
  readonly #options: OpossumRebuilderOptions;
  readonly #scheduler: RebuildScheduler;
  readonly #running = new Map<string, Begun>();
  readonly #tasks: BuildTasks;
  readonly #scans = new Set<Promise<void>>();
  readonly #observer: Disposable;
  readonly #reporter: RebuildReporter;
  #lastResult: ProjectionRebuildResult | undefined;
  #isClosed = false;

  /** @param options What it is made of. */
  constructor(options: OpossumRebuilderOptions) {
    this.#options = options;
    const { concurrency, telemetry, logger } = options;
    this.#reporter = new RebuildReporter(logger, telemetry);
    this.#tasks = new BuildTasks({
      ...options,
      onEnd: (detail, trigger) => this.#reporter.projection(detail, trigger),
    });
    const scan = new SharedScan(options);
    this.#scheduler = new RebuildScheduler(concurrency, (group) => {
      const done = scan.run(group).finally(() => this.#scans.delete(done));
      this.#scans.add(done);
    });
    this.#observer = telemetry.observeRebuilds(() => ({
      active: this.#scheduler.active.length,
      queued: this.#scheduler.waiting.length,
    }));
  }

  async rebuildAll(
    options: RebuildAllOptions = {},
  ): Promise<ProjectionRebuildResult> {
    return await this.#rebuild(undefined, options);
  }

  async rebuild(
    names: string | readonly string[],
    options: RebuildOptions = {},
  ): Promise<ProjectionRebuildResult> {
    return await this.#rebuild(
      typeof names === "string" ? [names] : names,
      options,
    );
  }

  async start(
    names: readonly string[] | undefined,
    options: RebuildAllOptions = {},
  ): Promise<RebuildOperation> {
    const { operation } = await this.#begin(names, options);
    return operation.snapshot();
  }

  async wait(
    id: string,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<ProjectionRebuildResult | undefined> {
    const running = this.#running.get(id);
    if (!running) return this.#options.history.get(id)?.result ?? undefined;
    return await (signal ? abortable(running.ended, signal) : running.ended);
  }

  async cancel(id: string): Promise<boolean> {
    return await this.#stop(id, "cancelled");
  }

  /**
   * Interrupts an operation: what it has built is kept, and is gone on with when the same is
   * rebuilt the next time.
   *
   * @returns Whether it was running.
   */
  async interrupt(id: string): Promise<boolean> {
    return await this.#stop(id, "interrupted");
  }

  async #stop(id: string, reason: StopReason): Promise<boolean> {
    const running = this.#running.get(id);
    if (!running) return false;
    const { tasks } = running.operation;
    if (tasks.every((task) => task.hasEnded)) {
      // Only its outcome is still being written down.
      await running.ended;
      return false;
    }
    running.operation.stop(reason);
    await running.ended;
    return true;
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote one
  async pause(id: string): Promise<boolean> {
    return this.#setPaused(id, (operation) => operation.pause());
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote one
  async resume(id: string): Promise<boolean> {
    return this.#setPaused(id, (operation) => operation.resume());
  }

  async promote(id: string): Promise<RebuildOperation | undefined> {
    const { history, events, clock } = this.#options;
    const begun = this.#running.get(id);
    if (!begun) {
      const { resumedBy } = history.get(id) ?? {};
      return resumedBy === undefined ? undefined : this.promote(resumedBy);
    }
    const { operation } = begun;
    if (operation.tasks.every(({ hasEnded }) => hasEnded)) {
      // Only its outcome is still being written down.
      await begun.ended;
      return undefined;
    }
    // Not written down, it is not begun either.
    await startingRebuild(this.#options.readOnly, () =>
      promoteTasks({
        operation,
        scheduler: this.#scheduler,
        damage: events.damage,
        at: clock.now().toISOString(),
        save: () => this.#save(operation),
      }));
    return operation.snapshot();
  }

  async rollback(name: string): Promise<void> {
    await rollBackProjection(this.#options, name);
  }

  async plan(
    names: readonly string[] | undefined,
    options: Pick<RebuildAllOptions, "forceRebuild" | "trigger"> = {},
  ): Promise<readonly PlannedRebuild[]> {
    const isAwaiting = (name: string) => this.#tasks.isAwaiting(name);
    return await planAll({ ...this.#options, isAwaiting }, names, options);
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote history
  async getOperation(id: string): Promise<RebuildOperation | undefined> {
    return this.#running.get(id)?.operation.snapshot() ??
      this.#options.history.get(id);
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote history
  async listOperations(
    { limit = 50 }: ListOperationsOptions = {},
  ): Promise<readonly RebuildOperation[]> {
    assertInteger("limit", limit, 1_000);
    return this.#options.history.list(limit)
      .map((operation) =>
        this.#running.get(operation.id)?.operation.snapshot() ?? operation
      );
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote status
  async getRebuildStatus(): Promise<ProjectionRebuildStatus> {
    const { concurrency, clock, throttle } = this.#options;
    const operations = [...this.#running.values()].map(({ operation }) =>
      operation
    );
    return toStatus({
      active: this.#scheduler.active,
      waiting: this.#scheduler.waiting,
      concurrency,
      startedAt: operations[0]?.startedAt,
      operationIds: operations.map(({ id }) => id),
      lastResult: this.#lastResult,
      now: clock.now(),
      throttle: throttle.status,
    });
  }

  async getCheckpoint(name: string): Promise<Position> {
    return (await this.#options.projections.info(name)).checkpoint;
  }

  getRegisteredProjections(): readonly string[] {
    return this.#options.registry.names;
  }

  /**
   * Continues the operations that a crash or a shutdown interrupted, from their last commits.
   *
   * @param isLeft Tells which of them are left to somebody else: they are only put down as
   * interrupted.
   * @returns Resolves when they have been started, with their results to wait for, but for those
   * that wait to be promoted.
   */
  async resumeInterrupted(
    isLeft: (operation: RebuildOperation) => boolean = () => false,
  ): Promise<Promise<ProjectionRebuildResult>[]> {
    return await resumeOperations({
      ...this.#options,
      isRunning: (id) => this.#running.has(id),
      isLeft,
      begin: (names, options) => this.#begin(names, options),
    });
  }

  /** Stops: what runs is interrupted and kept, to be continued after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    // Those that wait to be promoted as well.
    for (const task of this.#tasks.values()) task.stop("interrupted");
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await Promise.all(this.#scans);
    this.#observer[Symbol.dispose]();
  }

  #setPaused(
    id: string,
    change: (operation: RunningOperation) => void,
  ): boolean {
    const running = this.#running.get(id);
    if (!running) return false;
    change(running.operation);
    this.#scheduler.reconsider();
    return true;
  }

  async #rebuild(
    names: readonly string[] | undefined,
    options: RebuildAllOptions,
  ): Promise<ProjectionRebuildResult> {
    const { ended } = await this.#begin(names, options);
    return await ended;
  }

  #begin(names: readonly string[] | undefined, options: BeginOptions) {
    const { readOnly } = this.#options;
    return startingRebuild(readOnly, () => this.#beginNow(names, options));
  }

  async #beginNow(
    names: readonly string[] | undefined,
    options: BeginOptions,
  ): Promise<Begun> {
    const { clock, store } = this.#options;
    const { concurrency, trigger, note, verify, promote } =
      resolveRebuildOptions(options, this.#options.concurrency);
    await whenSwapsEnd(this.#tasks.values(), names);
    const planned = await this.plan(names, options);
    const wanted = planned.filter(({ rebuild }) => rebuild);
    const generationsBefore = await generationsOf(store, wanted);
    if (this.#isClosed) throw new RebuilderClosedError();
    if (options.whenRunning === "reject") this.#tasks.assertNoneOf(wanted);
    const id = randomBytes(16).toString("hex");
    const begun = { operationId: id, trigger, wanted, concurrency };
    const span = this.#reporter.openSpan(begun);
    const operation = new RunningOperation({
      id,
      trigger,
      note,
      resumes: options.resumes ?? null,
      generationsBefore,
      verify,
      promote,
      promotedAt: options.promotedAt ?? null,
      span,
      clock,
      concurrency,
    });
    const wanting = {
      operation,
      options,
      verify,
      manual: promote === "manual",
      context: span.context,
      onPark: () => this.#notePark(operation),
    };
    const fresh: BuildTask[] = [];
    const giveUp = (error: unknown): never => {
      this.#running.delete(id);
      for (const { operationIds } of operation.tasks) operationIds.delete(id);
      for (const task of fresh) task.fail(error);
      span.fail(error);
      span.end();
      throw error;
    };
    try {
      for (const plan of wanted) {
        const task = this.#tasks.join(plan, wanting);
        if (task) fresh.push(task);
      }
    } catch (error) {
      giveUp(error);
    }
    // Written down before the work starts, so that a crash finds it; and before its outcome, which
    // must not be overwritten by its beginning.
    const saved = this.#save(operation);
    const ended = saved.then(() => this.#conclude(operation));
    this.#running.set(id, { operation, ended });
    // Whoever asked is told by `giveUp`; nobody else waits for it then.
    ended.catch(() => {});
    await saved.catch(giveUp);
    // Closed meanwhile: kept for the next start, like everything else.
    if (this.#isClosed) { for (const task of fresh) task.stop("interrupted"); }
    this.#reporter.begun(begun);
    this.#scheduler.enqueue(fresh, operation.limit);
    onAbort(options.signal, ended, () => void this.cancel(id));
    return { operation, ended };
  }

  /** So that others, and the next start, learn that it waits, and what came of comparing it. */
  #notePark(operation: RunningOperation): void {
    this.#save(operation).catch((error) =>
      this.#options.logger.log(
        "warn",
        "It could not be written down that a build waits to be promoted",
        { operationId: operation.id, error },
      )
    );
  }

  /** Writes an operation down as it stands then, one state after the other. */
  #save(operation: RunningOperation): Promise<void> {
    return operation.inTurn(() =>
      this.#options.history.save(operation.snapshot())
    );
  }

  async #conclude(
    operation: RunningOperation,
  ): Promise<ProjectionRebuildResult> {
    const { logger } = this.#options;
    const result = await operation.finish();
    try {
      await this.#save(operation);
    } catch (error) {
      logger.log("error", "Outcome of the rebuild could not be written down", {
        operationId: operation.id,
        error,
      });
    }
    this.#running.delete(operation.id);
    this.#lastResult = result;
    this.#reporter.operation(result);
    return result;
  }
}
