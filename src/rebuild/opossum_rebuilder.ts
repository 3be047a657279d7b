/**
 * The rebuilder: plans, starts, joins, watches and records rebuild operations.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import type { LiveUpdater } from "../projections/live_updater.ts";
import type { ProjectionStore } from "../projections/projection_store.ts";
import type { Projections } from "../projections/projections.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { BuildTask } from "./build_task.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
} from "./operation.ts";
import type { OperationStore } from "./operation_store.ts";
import { planRebuild } from "./plan.ts";
import {
  type ListOperationsOptions,
  type RebuildAllOptions,
  RebuildConflictError,
  type Rebuilder,
  RebuilderClosedError,
  type RebuildOptions,
} from "./rebuilder.ts";
import { RunningOperation } from "./running_operation.ts";
import { RebuildScheduler } from "./scheduler.ts";
import { SharedScan } from "./shared_scan.ts";
import { toStatus } from "./status.ts";

/** What the rebuilder is made of. */
export interface OpossumRebuilderOptions {
  readonly registry: ProjectionRegistry;
  readonly store: ProjectionStore;
  readonly events: EventStore;
  readonly projections: Projections;
  readonly live: LiveUpdater;
  readonly history: OperationStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** How many projections may be rebuilt at once. */
  readonly concurrency: number;
  /** Events a batch. */
  readonly batchSize: number;
  /** Memory for documents over all rebuilds at once, in bytes. */
  readonly memoryBytesMax: number;
  /** How often a running rebuild is stored, in milliseconds. */
  readonly checkpointInterval: number;
}

/** How an operation is begun, in addition to what callers may say. */
interface BeginOptions extends RebuildAllOptions {
  /** The interrupted operation that it continues. */
  readonly resumes?: string;
}

/** Rebuilds projections. */
export class OpossumRebuilder implements Rebuilder, AsyncDisposable {
  readonly #options: OpossumRebuilderOptions;
  readonly #scheduler: RebuildScheduler;
  readonly #running = new Map<
    string,
    { operation: RunningOperation; ended: Promise<ProjectionRebuildResult> }
  >();
  readonly #tasks = new Map<string, BuildTask>();
  readonly #scans = new Set<Promise<void>>();
  readonly #observer: Disposable;
  #lastResult: ProjectionRebuildResult | undefined;
  #isClosed = false;

  /** @param options What it is made of. */
  constructor(options: OpossumRebuilderOptions) {
    this.#options = options;
    const { concurrency, memoryBytesMax, telemetry } = options;
    const scan = new SharedScan({
      ...options,
      memoryBytesMax: Math.floor(memoryBytesMax / concurrency),
    });
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
    signal?.throwIfAborted();
    const running = this.#running.get(id);
    if (!running) return this.#options.history.get(id)?.result ?? undefined;
    if (!signal) return await running.ended;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([running.ended, promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async cancel(id: string): Promise<boolean> {
    const running = this.#running.get(id);
    if (!running) return false;
    const { tasks } = running.operation;
    if (tasks.every((task) => task.hasEnded)) {
      // Only its outcome is still being written down.
      await running.ended;
      return false;
    }
    for (const task of tasks) {
      task.operationIds.delete(id);
      // Another operation may still wait for the same build.
      if (task.operationIds.size === 0) task.stop("cancelled");
      else running.operation.leave(task);
    }
    await running.ended;
    return true;
  }

  async plan(
    names: readonly string[] | undefined,
    { forceRebuild = false }: Pick<RebuildAllOptions, "forceRebuild"> = {},
  ): Promise<readonly PlannedRebuild[]> {
    const { registry, projections, events, store, live } = this.#options;
    const resolved = registry.resolve(names ?? registry.names);
    const insist = forceRebuild ? "forced" : names ? "requested" : undefined;
    const head = await events.head();
    return await Promise.all(resolved.map(async (name) => {
      // The lock is let go before anything is waited for: a rebuild may want it next.
      const lock = store.tryLockBuild(name);
      const looking = lock && !forceRebuild
        ? store.hasInterruptedBuild(live.identity(name))
        : false;
      lock?.[Symbol.dispose]();
      const interrupted = await looking;
      const info = await projections.info(name);
      return planRebuild({ info, head, interrupted, insist });
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
    const { concurrency, clock } = this.#options;
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
   * @returns Resolves when they have been started, with their results to wait for.
   */
  async resumeInterrupted(): Promise<Promise<ProjectionRebuildResult>[]> {
    const { history, store, registry, logger } = this.#options;
    const resumed: Promise<ProjectionRebuildResult>[] = [];
    for (const operation of history.list(1_000)) {
      const isOpen = ["queued", "running", "interrupted"].includes(
        operation.state,
      );
      if (!isOpen || operation.resumedBy || this.#running.has(operation.id)) {
        continue;
      }
      const succeeded = new Set(
        operation.result?.details.filter(({ success }) => success)
          .map(({ projectionName }) => projectionName),
      );
      const names = operation.projectionNames.filter((name) =>
        registry.names.includes(name) && !succeeded.has(name)
      );
      // Whoever holds a build lock is alive: the operation is not interrupted.
      const locks = names.map((name) => store.tryLockBuild(name));
      const isAlive = locks.includes(undefined);
      for (const lock of locks) lock?.[Symbol.dispose]();
      if (isAlive) continue;
      logger.log("info", "Resuming interrupted rebuild", {
        operationId: operation.id,
        projections: names,
      });
      const begun = await this.#begin(names, {
        trigger: "resume",
        resumes: operation.id,
      });
      await history.save({
        ...operation,
        state: "interrupted",
        resumedBy: begun.operation.id,
      });
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
    this.#observer[Symbol.dispose]();
  }

  async #rebuild(
    names: readonly string[] | undefined,
    options: RebuildAllOptions,
  ): Promise<ProjectionRebuildResult> {
    const { operation, ended } = await this.#begin(names, options);
    const { signal } = options;
    const cancel = () => void this.cancel(operation.id);
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      return await ended;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async #begin(
    names: readonly string[] | undefined,
    options: BeginOptions,
  ): Promise<
    { operation: RunningOperation; ended: Promise<ProjectionRebuildResult> }
  > {
    const { telemetry, clock, concurrency: concurrencyMax, history, logger } =
      this.#options;
    const { concurrency = concurrencyMax, trigger = "code", note = null } =
      options;
    assertInteger("concurrency", concurrency, concurrencyMax);
    if (note !== null && note.length > 256) {
      throw new RangeError(
        `Cannot rebuild as 'note' must have at most 256 characters: it has ${note.length}`,
      );
    }
    await this.#letSwapsEnd(names);
    const planned = await this.plan(names, options);
    if (this.#isClosed) {
      throw new RebuilderClosedError();
    }
    const wanted = planned.filter(({ rebuild }) => rebuild);
    if (options.whenRunning === "reject") this.#assertNoneRuns(wanted);
    const id = randomBytes(16).toString("hex");
    const span = telemetry.startSpan(SPANS.rebuild, {
      attributes: {
        [ATTRIBUTES.operationId]: id,
        [ATTRIBUTES.rebuildTrigger]: trigger,
        [ATTRIBUTES.projectionCount]: wanted.length,
        [ATTRIBUTES.rebuildConcurrency]: concurrency,
      },
    });
    const { resumes = null } = options;
    const operation = new RunningOperation({
      id,
      trigger,
      note,
      resumes,
      span,
      clock,
      concurrency,
    });
    const fresh: BuildTask[] = [];
    for (const plan of wanted) {
      const task = this.#tasks.get(plan.projectionName);
      if (task) operation.add(task);
      else this.#addTask(operation, plan, options, span.context, fresh);
    }
    // Written down before the work starts, so that a crash finds it; and before its outcome, which
    // must not be overwritten by its beginning.
    const saved = history.save(operation.snapshot());
    const ended = saved.then(() => this.#conclude(operation));
    this.#running.set(id, { operation, ended });
    try {
      await saved;
    } catch (error) {
      this.#running.delete(id);
      for (const task of fresh) task.fail(error);
      span.fail(error);
      span.end();
      // Whoever asked is told here; nobody else waits for it.
      ended.catch(() => {});
      throw error;
    }
    if (wanted.length > 0) {
      logger.log(
        "info",
        `Starting parallel rebuild of ${wanted.length} projections with max ` +
          `${concurrency} concurrent rebuilds`,
        {
          operationId: id,
          trigger,
          projections: wanted.map((plan) => plan.projectionName),
        },
      );
    }
    this.#scheduler.enqueue(fresh, operation.limit);
    return { operation, ended };
  }

  /**
   * A build that is being swapped in has read its last event: joining it would answer with what
   * was there before the call.
   */
  async #letSwapsEnd(names: readonly string[] | undefined): Promise<void> {
    const swapping = [...this.#tasks.values()].filter((
      { phase, projectionName },
    ) => phase === "swapping" && (names?.includes(projectionName) ?? true));
    await Promise.all(swapping.map(({ ended }) => ended));
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
    const lock = store.tryLockBuild(projectionName);
    if (!lock) {
      const error = new RebuildConflictError(projectionName, null);
      if (whenRunning === "reject") throw error;
      operation.refuse(refusal(plan, error));
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
      this.#report(detail, trigger);
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
    this.#logResult(result);
    return result;
  }

  #logResult(result: ProjectionRebuildResult): void {
    const { logger } = this.#options;
    const { operationId, totalRebuilt, details, failedProjections, success } =
      result;
    const duration = Math.round(result.duration);
    if (result.nothingToDo) {
      logger.log(
        "info",
        "All projections are up to date (no rebuilds needed)",
        { operationId },
      );
    } else if (success) {
      logger.log(
        "info",
        `All ${totalRebuilt} projections rebuilt successfully in ${duration} ms`,
        {
          operationId,
          duration,
        },
      );
    } else {
      logger.log(
        "warn",
        `Projection rebuild completed with errors. Success: ${totalRebuilt}/${details.length}. ` +
          `Failed: ${failedProjections.join(", ")}`,
        { operationId, state: result.state, duration },
      );
    }
  }

  #report(detail: ProjectionRebuildDetail, trigger: string): void {
    const { telemetry, logger } = this.#options;
    const {
      projectionName,
      state,
      duration,
      eventsProcessed,
      eventsScanned,
      error,
    } = detail;
    const name = { [ATTRIBUTES.projectionName]: projectionName };
    const errorType = error ? { [ATTRIBUTES.errorType]: error.name } : {};
    telemetry.rebuildDuration.record(duration / 1_000, {
      ...name,
      ...errorType,
      [ATTRIBUTES.rebuildTrigger]: trigger,
      [ATTRIBUTES.rebuildOutcome]: state,
    });
    telemetry.rebuildEvents.add(eventsProcessed, name);
    if (duration > 0 && eventsScanned > 0) {
      telemetry.rebuildRate.record(eventsScanned / (duration / 1_000), name);
    }
    const attributes = {
      projection: projectionName,
      state,
      reason: detail.reason,
      duration: Math.round(duration),
      eventsProcessed,
    };
    if (detail.success) {
      logger.log(
        "info",
        `Projection '${projectionName}' rebuilt successfully in ${attributes.duration} ms ` +
          `(${eventsProcessed} events)`,
        attributes,
      );
    } else if (error) {
      telemetry.rebuildFailures.add(1, { ...name, ...errorType });
      logger.log("error", `Failed to rebuild projection '${projectionName}'`, {
        ...attributes,
        error,
      });
    } else {logger.log(
        "warn",
        `Rebuild of projection '${projectionName}' ${state}`,
        attributes,
      );}
  }
}

function refusal(
  { projectionName, reason }: PlannedRebuild,
  error: Error,
): ProjectionRebuildDetail {
  return Object.freeze({
    projectionName,
    success: false,
    state: "failed",
    duration: 0,
    eventsProcessed: 0,
    eventsScanned: 0,
    documents: 0,
    checkpoint: 0,
    reason,
    errorMessage: error.message,
    error: {
      name: error.name,
      message: error.message,
      position: null,
      eventType: null,
    },
  });
}

function assertInteger(option: string, value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new RangeError(
      `Cannot rebuild as '${option}' must be an integer from 1 to ${max}: ` +
        `current value is ${value}`,
    );
  }
}
