/**
 * The rebuilder: plans, starts, joins, watches and records rebuild operations.
 *
 * @module
 */
import { abortable } from "@std/async/abortable";
import type { Position } from "../events/event.ts";
import type { ProjectionBuilds } from "../projections/build_info.ts";
import { Yielder } from "../storage/yielder.ts";
import { runInContext } from "../telemetry/spans.ts";
import { startingRebuild } from "./errors.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildOperation,
  RebuildPlan,
} from "./operation.ts";
import { KeyRebuilder } from "./key_rebuilder.ts";
import { type IdempotencyRecord, toPublic } from "./operation_store.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { goOnIn } from "./interrupted.ts";
import {
  OperationStarter,
  type OperationStarterOptions,
} from "./operation_starter.ts";
import { OperationsUnderWay, type UnderWay } from "./operations_under_way.ts";
import { LastBuilds } from "./last_builds.ts";
import { promoteTasks } from "./promotion.ts";
import { assertInteger } from "./rebuild_options.ts";
import { type DueOptions, isHeldBack, servesOldDocuments } from "./plan.ts";
import { RebuildReporter } from "./report.ts";
import type {
  ListOperationsOptions,
  RebuildAllOptions,
  Rebuilder,
  RebuildOptions,
  StartOptions,
} from "./rebuilder.ts";
import {
  type RollbackOptions,
  rollBackProjection,
} from "./roll_back_projection.ts";
import { RebuildScheduler } from "./scheduler.ts";
import { SharedScan } from "./shared_scan.ts";
import { toStatus } from "./status.ts";
import { TakingUp } from "./taking_up.ts";

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
  readonly #takingUp: TakingUp;
  readonly #scans = new Set<Promise<void>>();
  readonly #observer: Disposable;
  readonly #reporter: RebuildReporter;
  readonly #keyRebuilder: KeyRebuilder;
  readonly rebuildKeys: Rebuilder["rebuildKeys"];
  readonly repair: Rebuilder["repair"];
  #lastResult: ProjectionRebuildResult | undefined;

  /** @param options What it is made of. */
  constructor(options: OpossumRebuilderOptions) {
    this.#options = options;
    const { concurrency, telemetry, logger, history } = options;
    this.#reporter = new RebuildReporter(logger, telemetry);
    const scan = new SharedScan(options);
    this.#keyRebuilder = new KeyRebuilder(options);
    ({ rebuildKeys: this.rebuildKeys, repair: this.repair } =
      this.#keyRebuilder);
    this.#scheduler = new RebuildScheduler(concurrency, (group) => {
      const done = scan.run(group).finally(() => this.#scans.delete(done));
      this.#scans.add(done);
    }, (task) => runInContext(task.context, () => scan.discard(task)));
    this.#lastBuilds = new LastBuilds(history, logger);
    this.#keys = new IdempotencyKeys(history);
    this.#running = new OperationsUnderWay({
      history,
      logger,
      reconsider: () => this.#scheduler.reconsider(),
      onResult: (result, { heldBack }) => {
        this.#lastResult = result;
        this.#lastBuilds.add({ id: result.operationId, result });
        this.#reporter.operation(result, heldBack);
      },
    });
    this.#starter = new OperationStarter(options, {
      scheduler: this.#scheduler,
      running: this.#running,
      reporter: this.#reporter,
    });
    this.#takingUp = new TakingUp(options, {
      starter: this.#starter,
      running: this.#running,
    });
    this.#observer = telemetry.observeRebuilds(() => {
      const { active, waiting } = this.#scheduler;
      for (const task of active) this.#reporter.advanced(task);
      const tasks = new Map(
        [...active, ...waiting].map((task) => [task.projectionName, task]),
      );
      return {
        active: active.length,
        queued: waiting.length,
        workers: options.workers?.active ?? 0,
        builds: options.registry.names.map((name) => ({
          name,
          // Shares of events are work as well.
          remaining: Math.ceil(tasks.get(name)?.eventsRemaining ?? 0),
          isStalled: tasks.get(name)?.isStalled ?? false,
        })),
      };
    });
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
    const begin = async (idempotency?: IdempotencyRecord) => {
      const { operation, ended } = await this.#starter.begin(names, {
        ...options,
        idempotency,
      });
      // With nothing to do it has ended, and whoever looks should see that.
      if (operation.tasks.length === 0) await ended;
      return operation.snapshot();
    };
    const started = await this.#keys.once(names, options, begin);
    // Of one that was started before, the history knows only how it stood once.
    return this.#running.snapshot(started.id) ?? started;
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
    await this.#takingUp.paused(id);
    return await this.#running.stop(id, "cancelled");
  }

  /**
   * Interrupts an operation: what it has built is kept, and is gone on with when the same is
   * rebuilt the next time. One that is paused stays so, and holds up what it wants.
   *
   * @returns Whether it was running.
   */
  async interrupt(id: string): Promise<boolean> {
    const isStopped = await this.#running.stop(id, "interrupted");
    await this.#takingUp.paused(id);
    return isStopped;
  }

  async pause(id: string): Promise<boolean> {
    await this.#takingUp.paused(id);
    return await this.#running.order(id, "pause");
  }

  async resume(id: string): Promise<boolean> {
    await this.#takingUp.paused(id);
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
        restore: () => this.#running.restore(id),
      }));
    return operation.snapshot();
  }

  async rollback(name: string, options: RollbackOptions = {}): Promise<void> {
    await rollBackProjection(this.#options, name, options);
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
        repair: this.#keyRebuilder.progress(name),
        ...this.#lastBuilds.of(name),
      }),
    };
  }

  /**
   * Starts to rebuild what needs it, but for what is held up by an order.
   *
   * @param options How, and which of it.
   * @param names Of these only, whether they need it or not.
   * @returns The operation, or `undefined` when there is nothing to do.
   */
  async startDue(
    { onlyMissing = false, ...options }: DueOptions,
    names?: readonly string[],
  ): Promise<UnderWay | undefined> {
    // What an operator held up in a process that has ended since is held up here.
    await this.#takingUp.held();
    const plans = await this.#starter.plan(names, { ...options, onlyMissing });
    const due = plans.filter((each) =>
      each.rebuild && !this.#starter.isHeldUp(each) &&
      !(onlyMissing && servesOldDocuments(each))
    );
    // Not an operation: every start would add one to the history.
    if (due.length === 0) {
      if (names === undefined) {
        const heldBack = plans.filter((each) =>
          each.rebuild || isHeldBack(each)
        );
        this.#reporter.nothingDue(heldBack, { trigger: options.trigger });
      }
      return undefined;
    }
    const missing = due.map(({ projectionName }) => projectionName);
    const begun = await this.#starter.begin(onlyMissing ? missing : names, {
      ...options,
      leavesPaused: true,
    });
    if (options.trigger === "schedule") {
      await goOnIn(this.#options.history, begun.operation.id);
    }
    return begun;
  }

  /**
   * Waits for an operation, but not for an operator.
   *
   * @returns Its outcome, or `undefined` once all that is left of it is paused, or waits to be
   * promoted: it ends some day.
   */
  async untilHeld(
    { operation, ended }: UnderWay,
  ): Promise<ProjectionRebuildResult | undefined> {
    const held = Promise.withResolvers<undefined>();
    const look = () => {
      if (operation.isHeld) held.resolve(undefined);
    };
    // Another operation that shares its builds may hold them up as well.
    using _watching = this.#running.watch(look);
    look();
    return await Promise.race([ended, held.promise]);
  }

  /**
   * Continues the operations that a crash or a shutdown interrupted, from their last commits, and
   * takes up those that are paused.
   *
   * @param isLeft Tells which of the former are left to somebody else: they are only put down as
   * interrupted.
   * @returns Resolves when they have been started, with the results to wait for: of those that go
   * on by themselves. As {@linkcode untilHeld}.
   */
  async resumeInterrupted(
    isLeft: (operation: RebuildOperation) => boolean = () => false,
  ): Promise<Promise<ProjectionRebuildResult | undefined>[]> {
    const begun = await this.#takingUp.all(isLeft);
    return begun.map((each) => this.untilHeld(each));
  }

  /** Stops: what runs is interrupted and kept, to be continued after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#starter.close();
    // Those that wait to be promoted as well.
    for (const task of this.#starter.tasks) task.stop("interrupted");
    await closing;
    await Promise.all(this.#running.all.map(({ ended }) => ended));
    await Promise.all(this.#scans);
    await this.#keyRebuilder[Symbol.asyncDispose]();
    this.#observer[Symbol.dispose]();
  }

  async #rebuild(
    names: readonly string[] | undefined,
    options: RebuildAllOptions,
  ): Promise<ProjectionRebuildResult> {
    const { ended } = await this.#starter.begin(names, options);
    return await ended;
  }
}
