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
import type { Telemetry } from "../telemetry/telemetry.ts";
import {
  BuildTask,
  refusedDetail,
  type StopReason,
  whenSwapsEnd,
} from "./build_task.ts";
import { startingRebuild } from "./errors.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
} from "./operation.ts";
import { KeyRebuilder } from "./key_rebuilder.ts";
import type { OperationStore } from "./operation_store.ts";
import { findInterrupted, generationsOf } from "./interrupted.ts";
import { lockBuild, planRebuild, planUnusable } from "./plan.ts";
import { assertInteger, resolveRebuildOptions } from "./rebuild_options.ts";
import { RebuildReporter } from "./report.ts";
import {
  type ListOperationsOptions,
  type RebuildAllOptions,
  RebuildConflictError,
  type Rebuilder,
  RebuilderClosedError,
  type RebuildOptions,
} from "./rebuilder.ts";
import type { RebuiltKeys } from "./rebuilt_keys.ts";
import { onAbort, RunningOperation } from "./running_operation.ts";
import { RebuildScheduler } from "./scheduler.ts";
import { SharedScan, type SharedScanOptions } from "./shared_scan.ts";
import { toStatus } from "./status.ts";

/** What the rebuilder is made of. */
export interface OpossumRebuilderOptions extends SharedScanOptions {
  readonly projections: Projections;
  readonly history: OperationStore;
  readonly logger: Logger;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
}

/** How an operation is begun, in addition to what callers may say. */
interface BeginOptions extends RebuildAllOptions {
  /** The interrupted operation that it continues. */
  readonly resumes?: string;
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
  readonly #tasks = new Map<string, BuildTask>();
  readonly #scans = new Set<Promise<void>>();
  readonly #observer: Disposable;
  readonly #reporter: RebuildReporter;
  readonly #keys: KeyRebuilder;
  #lastResult: ProjectionRebuildResult | undefined;
  #isClosed = false;

  /** @param options What it is made of. */
  constructor(options: OpossumRebuilderOptions) {
    this.#options = options;
    const { concurrency, telemetry, logger } = options;
    this.#reporter = new RebuildReporter(logger, telemetry);
    const scan = new SharedScan(options);
    this.#keys = new KeyRebuilder(options);
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

  rebuildKeys(
    ...args: Parameters<Rebuilder["rebuildKeys"]>
  ): Promise<RebuiltKeys> {
    return this.#keys.rebuildKeys(...args);
  }

  repair(...args: Parameters<Rebuilder["repair"]>): Promise<RebuiltKeys> {
    return this.#keys.repair(...args);
  }

  async plan(
    names: readonly string[] | undefined,
    { forceRebuild = false }: Pick<RebuildAllOptions, "forceRebuild"> = {},
  ): Promise<readonly PlannedRebuild[]> {
    const { registry, projections, events, store, live, readOnly } =
      this.#options;
    const resolved = registry.resolve(names ?? registry.names);
    const insist = forceRebuild ? "forced" : names ? "requested" : undefined;
    const head = await events.head();
    return await Promise.all(resolved.map(async (name) => {
      try {
        // Taking up what was begun writes.
        const interrupted = !forceRebuild && !readOnly &&
          await store.hasInterruptedBuild(live.identity(name));
        const info = await projections.info(name);
        return planRebuild({ info, head, interrupted, insist });
      } catch (error) {
        return planUnusable(name, head, error);
      }
    }));
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
   * @returns Resolves when they have been started, with their results to wait for.
   */
  async resumeInterrupted(
    isLeft: (operation: RebuildOperation) => boolean = () => false,
  ): Promise<Promise<ProjectionRebuildResult>[]> {
    const { history, logger } = this.#options;
    const resumed: Promise<ProjectionRebuildResult>[] = [];
    const isRunning = (id: string) => this.#running.has(id);
    for (
      const found of await findInterrupted({ ...this.#options, isRunning })
    ) {
      const { operation, names } = found;
      if (isLeft(operation)) {
        if (operation.state === "interrupted") continue;
        await history.save({ ...operation, state: "interrupted" });
        continue;
      }
      logger.log("info", "Resuming interrupted rebuild", {
        operationId: operation.id,
        projections: names,
      });
      const begun = await this.#begin(names, {
        trigger: "resume",
        resumes: operation.id,
      });
      const resumedBy = begun.operation.id;
      await history.save({ ...operation, state: "interrupted", resumedBy });
      resumed.push(begun.ended);
    }
    return resumed;
  }

  /** Stops: what runs is interrupted and kept, to be continued after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const { active, waiting } = this.#scheduler;
    for (const task of [...waiting, ...active]) task.stop("interrupted");
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await Promise.all(this.#scans);
    await this.#keys[Symbol.asyncDispose]();
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
    const { clock, history, store } = this.#options;
    const { concurrency, trigger, note } = resolveRebuildOptions(
      options,
      this.#options.concurrency,
    );
    await whenSwapsEnd(this.#tasks.values(), names);
    const planned = await this.plan(names, options);
    const wanted = planned.filter(({ rebuild }) => rebuild);
    const generationsBefore = await generationsOf(store, wanted);
    if (this.#isClosed) throw new RebuilderClosedError();
    if (options.whenRunning === "reject") this.#assertNoneRuns(wanted);
    const id = randomBytes(16).toString("hex");
    const begun = { operationId: id, trigger, wanted, concurrency };
    const span = this.#reporter.openSpan(begun);
    const operation = new RunningOperation({
      id,
      trigger,
      note,
      resumes: options.resumes ?? null,
      generationsBefore,
      span,
      clock,
      concurrency,
    });
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
        const task = this.#tasks.get(plan.projectionName);
        if (task) operation.add(task);
        else this.#addTask(operation, plan, options, span.context, fresh);
      }
    } catch (error) {
      giveUp(error);
    }
    // Written down before the work starts, so that a crash finds it; and before its outcome, which
    // must not be overwritten by its beginning.
    const saved = history.save(operation.snapshot());
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

  #addTask(
    operation: RunningOperation,
    plan: PlannedRebuild,
    { priority, whenRunning, trigger = "code" }: BeginOptions,
    context: ReturnType<Telemetry["activeContext"]>,
    fresh: BuildTask[],
  ): void {
    const { registry, store, clock } = this.#options;
    const { projectionName, reason, events } = plan;
    const lock = lockBuild(store, projectionName, operation.id);
    if (lock instanceof Error) {
      if (whenRunning === "reject") throw lock;
      operation.refuse(refusedDetail(plan, lock));
      return;
    }
    const task = new BuildTask({
      projectionName,
      reason,
      priority: priority ?? registry.get(projectionName).priority ?? 0,
      target: events,
      lock,
      clock,
      context,
    });
    // Known from now on, not only once it is queued: whoever asks next joins it.
    this.#tasks.set(projectionName, task);
    task.ended.then((detail) => {
      this.#tasks.delete(projectionName);
      this.#reporter.projection(detail, trigger);
    });
    operation.add(task);
    fresh.push(task);
  }

  #assertNoneRuns(wanted: readonly PlannedRebuild[]): void {
    for (const { projectionName } of wanted) {
      const task = this.#tasks.get(projectionName);
      if (!task) continue;
      const [operationId = null] = task.operationIds;
      throw new RebuildConflictError(projectionName, operationId);
    }
  }

  async #conclude(
    operation: RunningOperation,
  ): Promise<ProjectionRebuildResult> {
    const { history, logger } = this.#options;
    const result = await operation.finish();
    try {
      await history.save(operation.snapshot());
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
