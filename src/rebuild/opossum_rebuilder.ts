/**
 * The rebuilder: plans, starts, joins, watches and records rebuild operations.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import { Semaphore } from "@std/async/unstable-semaphore";
import type { Position } from "../events/event.ts";
import type { ProjectionBuilds } from "../projections/build_info.ts";
import { Yielder } from "../storage/yielder.ts";
import { startingRebuild } from "./errors.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
  RebuildPlan,
} from "./operation.ts";
import { toPublic } from "./operation_store.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { findInterrupted, type InterruptedOperation } from "./interrupted.ts";
import {
  OperationStarter,
  type OperationStarterOptions,
} from "./operation_starter.ts";
import { OperationsUnderWay, type UnderWay } from "./operations_under_way.ts";
import { LastBuilds } from "./last_builds.ts";
import { promoteTasks } from "./promotion.ts";
import { assertInteger } from "./rebuild_options.ts";
import { RebuildReporter } from "./report.ts";
import type {
  ListOperationsOptions,
  RebuildAllOptions,
  Rebuilder,
  RebuildOptions,
  StartOptions,
} from "./rebuilder.ts";
import { rollBackProjection } from "./roll_back_projection.ts";
import { RebuildScheduler } from "./scheduler.ts";
import { SharedScan } from "./shared_scan.ts";
import { toStatus } from "./status.ts";

/** What the rebuilder is made of. */
export type OpossumRebuilderOptions = OperationStarterOptions;

/** Rebuilds projections. */
export class OpossumRebuilder implements Rebuilder, AsyncDisposable {
  readonly #options: OpossumRebuilderOptions;
  readonly #scheduler: RebuildScheduler;
  readonly #running: OperationsUnderWay;
  readonly #keys: IdempotencyKeys;
  readonly #lastBuilds: LastBuilds;
  readonly #starter: OperationStarter;
  /** Operations of earlier processes are taken up one after the other, and each once. */
  readonly #takingUp = new Semaphore(1);
  readonly #scans = new Set<Promise<void>>();
  readonly #observer: Disposable;
  readonly #reporter: RebuildReporter;
  #lastResult: ProjectionRebuildResult | undefined;

  /** @param options What it is made of. */
  constructor(options: OpossumRebuilderOptions) {
    this.#options = options;
    const { concurrency, telemetry, logger, history } = options;
    this.#reporter = new RebuildReporter(logger, telemetry);
    const scan = new SharedScan(options);
    this.#scheduler = new RebuildScheduler(concurrency, (group) => {
      const done = scan.run(group).finally(() => this.#scans.delete(done));
      this.#scans.add(done);
    }, (task) => scan.discard(task));
    this.#lastBuilds = new LastBuilds(history, logger);
    this.#keys = new IdempotencyKeys(history);
    this.#running = new OperationsUnderWay({
      history,
      logger,
      reconsider: () => this.#scheduler.reconsider(),
      onResult: (result) => {
        this.#lastResult = result;
        this.#lastBuilds.add({ id: result.operationId, result });
        this.#reporter.operation(result);
      },
    });
    this.#starter = new OperationStarter(options, {
      scheduler: this.#scheduler,
      running: this.#running,
      reporter: this.#reporter,
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
    options: StartOptions = {},
  ): Promise<RebuildOperation> {
    return await this.#keys.once(names, options, async (idempotency) => {
      const { operation, ended } = await this.#starter.begin(names, {
        ...options,
        idempotency,
      });
      // With nothing to do it has ended, and whoever looks should see that.
      if (operation.tasks.length === 0) await ended;
      return operation.snapshot();
    });
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
    await this.#adopt(id);
    return await this.#running.stop(id, "cancelled");
  }

  /**
   * Interrupts an operation: what it has built is kept, and is gone on with when the same is
   * rebuilt the next time.
   *
   * @returns Whether it was running.
   */
  async interrupt(id: string): Promise<boolean> {
    return await this.#running.stop(id, "interrupted");
  }

  async pause(id: string): Promise<boolean> {
    await this.#adopt(id);
    return await this.#running.order(id, "pause");
  }

  async resume(id: string): Promise<boolean> {
    await this.#adopt(id);
    return await this.#running.order(id, "resume");
  }

  watch(listener: (operation: RebuildOperation) => void): Disposable {
    return this.#running.watch(listener);
  }

  async promote(id: string): Promise<RebuildOperation | undefined> {
    const begun = this.#running.get(id);
    if (!begun) {
      const { resumedBy } = this.#options.history.get(id) ?? {};
      return resumedBy === undefined ? undefined : this.promote(resumedBy);
    }
    const { operation } = begun;
    if (operation.tasks.every(({ hasEnded }) => hasEnded)) {
      // Only its outcome is still being written down.
      await begun.ended;
      return undefined;
    }
    const { clock, events, readOnly } = this.#options;
    // Not written down, it is not begun either.
    await startingRebuild(readOnly, () =>
      promoteTasks({
        operation,
        scheduler: this.#scheduler,
        damage: events.damage,
        at: clock.now().toISOString(),
        save: () => this.#running.record(id),
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
    return await this.#starter.plan(names, options);
  }

  async estimate(
    names: readonly string[] | undefined,
    options: Pick<RebuildAllOptions, "forceRebuild" | "concurrency"> = {},
  ): Promise<RebuildPlan> {
    return await this.#starter.estimate(names, options);
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote history
  async getOperation(id: string): Promise<RebuildOperation | undefined> {
    const running = this.#running.snapshot(id);
    if (running) return running;
    const stored = this.#options.history.get(id);
    return stored && toPublic(stored);
  }

  async listOperations(
    { limit = 50, before, state }: ListOperationsOptions = {},
  ): Promise<readonly RebuildOperation[]> {
    assertInteger("limit", limit, 1_000);
    const found: RebuildOperation[] = [];
    // A thousand files are read: who asks for that must not keep all others waiting.
    const yielder = new Yielder();
    for (const stored of this.#options.history.newest(before)) {
      const operation = this.#running.snapshot(stored.id) ?? toPublic(stored);
      if (state === undefined || operation.state === state) {
        found.push(operation);
      }
      if (found.length === limit) break;
      await yielder.yieldIfDue();
    }
    return found;
  }

  // deno-lint-ignore require-await -- the interface leaves room for a remote status
  async getRebuildStatus(): Promise<ProjectionRebuildStatus> {
    const { concurrency, clock, throttle } = this.#options;
    const operations = this.#running.all.map(({ operation }) => operation);
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

  /** What is known of the builds of projections, for those who tell how these stand. */
  get builds(): ProjectionBuilds {
    return {
      of: (name) => ({
        build: this.#starter.task(name)?.progress() ?? null,
        ...this.#lastBuilds.of(name),
      }),
    };
  }

  /**
   * Starts to rebuild what needs it, but for what is held up by an order.
   *
   * @returns The operation, or `undefined` when there is nothing to do.
   */
  async startDue(options: RebuildAllOptions): Promise<UnderWay | undefined> {
    const plan = await this.plan(undefined, options);
    if (!plan.some((each) => each.rebuild && !this.#starter.isHeldUp(each))) {
      // Not an operation: every start would add one to the history.
      return undefined;
    }
    return await this.#starter.begin(undefined, {
      ...options,
      leavesPaused: true,
    });
  }

  /**
   * Continues the operations that a crash or a shutdown interrupted, from their last commits, and
   * takes up those that are paused.
   *
   * @param isLeft Tells which of the former are left to somebody else: they are only put down as
   * interrupted.
   * @returns Resolves when they have been started, with the results to wait for: of those that go
   * on by themselves.
   */
  async resumeInterrupted(
    isLeft: (operation: RebuildOperation) => boolean = () => false,
  ): Promise<Promise<ProjectionRebuildResult>[]> {
    const { logger, history } = this.#options;
    const resumed: Promise<ProjectionRebuildResult>[] = [];
    using _turn = await this.#takingUp.acquire();
    const all = await this.#findInterrupted();
    const isPaused = ({ operation }: InterruptedOperation) =>
      operation.pausedAt !== null;
    // First, so that nothing is begun that is to wait.
    for (const found of all.filter(isPaused)) {
      await this.#starter.begin(found.names, { adopts: found });
      logger.log("info", "Rebuild stays paused", {
        operationId: found.operation.id,
        projections: found.names,
      });
    }
    for (const found of all.filter((each) => !isPaused(each))) {
      if (isLeft(found.operation)) {
        if (found.operation.state === "interrupted") continue;
        await history.save({ ...found.operation, state: "interrupted" });
        continue;
      }
      const { operation, ended } = await this.#continue(found);
      // What waits for the same build as a paused one waits with it; what waits to be promoted, for
      // an operator.
      const waits = operation.tasks.some((task) =>
        task.isPaused || task.isManual
      );
      if (!waits) resumed.push(ended);
    }
    return resumed;
  }

  /** Continues an interrupted operation by another one. */
  async #continue(found: InterruptedOperation): Promise<UnderWay> {
    const { history, logger } = this.#options;
    const { operation, names } = found;
    logger.log("info", "Resuming interrupted rebuild", {
      operationId: operation.id,
      projections: names,
    });
    const { note, requestedBy, priority } = operation;
    const { verify = false, promote = "automatic", promotedAt = null } =
      operation;
    const begun = await this.#starter.begin(names, {
      trigger: "resume",
      resumes: operation.id,
      concurrency: this.#starter.lowered(operation),
      verify,
      promote,
      promotedAt,
      ...(note === null ? {} : { note }),
      ...(requestedBy === null ? {} : { requestedBy }),
      ...(priority === null ? {} : { priority }),
    });
    const resumedBy = begun.operation.id;
    await history.save({ ...operation, state: "interrupted", resumedBy });
    return begun;
  }

  /** Stops: what runs is interrupted and kept, to be continued after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#starter.close();
    // Those that wait to be promoted as well.
    for (const task of this.#starter.tasks) task.stop("interrupted");
    await closing;
    await Promise.all(this.#running.all.map(({ ended }) => ended));
    await Promise.all(this.#scans);
    this.#observer[Symbol.dispose]();
  }

  async #rebuild(
    names: readonly string[] | undefined,
    options: RebuildAllOptions,
  ): Promise<ProjectionRebuildResult> {
    const { ended } = await this.#starter.begin(names, options);
    return await ended;
  }

  #findInterrupted(only?: string): Promise<InterruptedOperation[]> {
    const isRunning = (id: string) => this.#running.get(id) !== undefined;
    return findInterrupted({ ...this.#options, isRunning, only });
  }

  /** Takes a paused operation up that an earlier process has left behind. */
  async #adopt(id: string): Promise<void> {
    const isNeeded = () =>
      !this.#running.get(id) && !this.#starter.isClosed &&
      (this.#options.history.get(id)?.pausedAt ?? null) !== null;
    if (!isNeeded()) return;
    using _turn = await this.#takingUp.acquire();
    if (!isNeeded()) return;
    for (const found of await this.#findInterrupted(id)) {
      await this.#starter.begin(found.names, { adopts: found });
    }
  }
}
