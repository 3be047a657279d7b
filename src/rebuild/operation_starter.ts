/**
 * How an operation is begun: planned, checked, given its builds, and written down.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Projections } from "../projections/projections.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES, SPANS } from "../telemetry/names.ts";
import { type OpenSpan, runInContext } from "../telemetry/spans.ts";
import type { BuildTask } from "./build_task.ts";
import { BuildTasks } from "./build_tasks.ts";
import { startingRebuild } from "./errors.ts";
import {
  type InterruptedOperation,
  settledBefore,
  standingOf,
} from "./interrupted.ts";
import {
  type DiskRoom,
  estimateRebuild,
  type SurveyedProjection,
} from "./estimate.ts";
import type {
  PlannedRebuild,
  RebuildOperation,
  RebuildPlan,
} from "./operation.ts";
import type { IdempotencyRecord, OperationStore } from "./operation_store.ts";
import { openOperationSpan, tellPlan } from "./operation_span.ts";
import type { OperationsUnderWay, UnderWay } from "./operations_under_way.ts";
import { isHeldBack } from "./plan.ts";
import { resolveRebuildOptions } from "./rebuild_options.ts";
import {
  isAutomatic,
  isOwn,
  type Planned,
  RebuildSurvey,
  type SurveyOptions,
} from "./rebuild_survey.ts";
import { type RebuildAllOptions, RebuilderClosedError } from "./rebuilder.ts";
import { RebuildQueueFullError } from "./refusals.ts";
import type { RebuildReporter } from "./report.ts";
import {
  onAbort,
  RunningOperation,
  type RunningOperationOptions,
} from "./running_operation.ts";
import type { RebuildScheduler } from "./scheduler.ts";
import type { SharedScanOptions } from "./shared_scan.ts";
import { whenSwapsEnd } from "./task_outcomes.ts";

/** What operations are begun with. */
export interface OperationStarterOptions extends SharedScanOptions {
  readonly projections: Projections;
  readonly logger: Logger;
  /** Whether nothing may be written. @default {false} */
  readonly readOnly?: boolean | undefined;
  /** Earlier operations, and how long they took. */
  readonly history: OperationStore;
  /** Room on the disk. @default {not looked at} */
  readonly disk?: DiskRoom;
  /** How many operations may be under way. @default {as many as there are} */
  readonly queueMax?: number;
}

/** What they are begun among. */
export interface OperationStarterPeers {
  readonly scheduler: RebuildScheduler;
  readonly running: OperationsUnderWay;
  readonly reporter: RebuildReporter;
}

/** How an operation is begun, in addition to what callers may say. */
export interface BeginOptions extends RebuildAllOptions {
  /** The interrupted operation that it continues under an id of its own. */
  readonly resumes?: string;
  /** Where the span of that one stands in its trace. */
  readonly traceparent?: string | undefined;
  /** What goes with it. */
  readonly tracestate?: string | undefined;
  /** The paused operation of an earlier process that it is. */
  readonly adopts?: InterruptedOperation;
  /** When that was promoted, ISO 8601. */
  readonly promotedAt?: string | null;
  /** Whether projections that are held up are passed over. */
  readonly leavesPaused?: boolean;
  readonly idempotency?: IdempotencyRecord | undefined;
}

/** What is asked of an operation, once what was left out is filled in. */
type AskedRebuild =
  & Omit<RunningOperationOptions, AskedElsewhere>
  & Partial<
    Pick<RunningOperationOptions, "generationsBefore" | "rollbacksBefore">
  >;

/** What it is given besides. */
type AskedElsewhere =
  | "id"
  | "span"
  | "clock"
  | "resumes"
  | "idempotency"
  | "generationsBefore"
  | "rollbacksBefore";

/** Begins operations. */
export class OperationStarter {
  readonly #options: OperationStarterOptions;
  readonly #peers: OperationStarterPeers;
  readonly #tasks: BuildTasks;
  readonly #survey: RebuildSurvey;
  readonly #beginning = new Set<Promise<UnderWay>>();
  #isClosed = false;

  /**
   * @param options What operations are begun with.
   * @param peers What they are begun among.
   */
  constructor(options: OperationStarterOptions, peers: OperationStarterPeers) {
    this.#options = options;
    this.#peers = peers;
    this.#tasks = new BuildTasks({
      ...options,
      onEnd: (detail, operation) =>
        peers.reporter.projection(detail, operation),
    });
    this.#survey = new RebuildSurvey(options, this.#tasks);
  }

  /** Whether no more are begun. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Begins no more. Resolves when those being begun have been, or were refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // What they look at must not be closed under them.
    await Promise.allSettled(this.#beginning);
  }

  /** All builds that have not ended. */
  get tasks(): readonly BuildTask[] {
    return [...this.#tasks.values()];
  }

  /** The build of a projection that is under way, or `undefined`. */
  task(name: string): BuildTask | undefined {
    return this.#tasks.get(name);
  }

  /** Whether a projection's build is paused. */
  isHeldUp({ projectionName }: PlannedRebuild): boolean {
    return this.#tasks.get(projectionName)?.isPaused ?? false;
  }

  /** What would be rebuilt, and why. */
  async plan(
    names: readonly string[] | undefined,
    options: SurveyOptions,
  ): Promise<readonly PlannedRebuild[]> {
    return (await this.#survey.of(names, options)).map(({ planned }) =>
      planned
    );
  }

  /** The same, and what it would take. */
  async estimate(
    names: readonly string[] | undefined,
    options: Pick<RebuildAllOptions, "forceRebuild" | "concurrency">,
  ): Promise<RebuildPlan> {
    const { history, events, disk, registry, throttle } = this.#options;
    const { concurrency } = resolveRebuildOptions(
      options,
      this.#options.concurrency,
    );
    // As the scheduler will take them, one after the other.
    const priority = ({ planned: { projectionName } }: SurveyedProjection) =>
      registry.get(projectionName).priority ?? 0;
    const surveyed = await this.#survey.of(names, options);
    return estimateRebuild({
      surveyed: surveyed.toSorted((a, b) => priority(b) - priority(a)),
      infos: await this.#survey.sizes(),
      history: history.newest(),
      head: await events.head(),
      concurrency,
      disk,
      eventsPerSecondMax: throttle.status.eventsPerSecondMax,
    });
  }

  /**
   * Begins an operation. Returns once it is written down and its builds are queued.
   *
   * @param names What to rebuild; whatever needs it when left out.
   * @param options How.
   */
  begin(
    names: readonly string[] | undefined,
    options: BeginOptions,
  ): Promise<UnderWay> {
    const begun = startingRebuild(
      this.#options.readOnly,
      () => this.#beginNow(names, options),
    );
    this.#beginning.add(begun);
    const forget = () => void this.#beginning.delete(begun);
    begun.then(forget, forget);
    return begun;
  }

  async #beginNow(
    names: readonly string[] | undefined,
    options: BeginOptions,
  ): Promise<UnderWay> {
    const { adopts } = options;
    const asked = adopts ? this.#asBefore(adopts) : resolveRebuildOptions(
      options,
      this.#options.concurrency,
    );
    const { trigger, concurrency } = asked;
    const id = adopts?.operation.id ?? randomBytes(16).toString("hex");
    const { resumes } = options;
    const { traceparent, tracestate } = adopts?.operation ?? options;
    const span = openOperationSpan(this.#options.telemetry, {
      operationId: id,
      trigger,
      concurrency,
      traceparent,
      tracestate,
      isContinued: adopts !== undefined || resumes !== undefined,
      isAutomatic: isAutomatic(trigger),
    });
    try {
      // What is begun in here belongs to it, whoever asked.
      return await runInContext(
        span.context,
        () => this.#beginIn(span, names, { ...options, asked, id }),
      );
    } catch (error) {
      span.fail(error);
      span.end();
      throw error;
    }
  }

  /** What to rebuild, if it fits. */
  async #plan(
    names: readonly string[] | undefined,
    options: BeginOptions,
    isOwn: boolean,
  ): Promise<Planned> {
    const plan = async (span: OpenSpan) => {
      const all = await this.#survey.of(names, options);
      const surveyed = all.filter(({ planned }) =>
        planned.rebuild && !(options.leavesPaused && this.isHeldUp(planned))
      );
      const wanted = surveyed.map(({ planned }) => planned);
      const heldBack = all.map(({ planned }) => planned).filter(isHeldBack);
      tellPlan(span, wanted);
      if (!isOwn && !options.adopts && !options.ignoreDiskSpace) {
        await this.#survey.assertFits(surveyed);
      }
      return { wanted, heldBack };
    };
    return await this.#options.telemetry.span(SPANS.rebuildPlan, {}, plan);
  }

  /** What is to be built, how that stands now, and what was built before a pause. */
  async #prepare(
    names: readonly string[] | undefined,
    options: BeginOptions,
    isOwn: boolean,
  ) {
    const { store, projections } = this.#options;
    await whenSwapsEnd(this.#tasks.values(), names);
    const { wanted, heldBack } = await this.#plan(names, options, isOwn);
    const before = await standingOf(store, wanted);
    const settled = await settledBefore(options.adopts, projections);
    return { wanted, heldBack, before, settled };
  }

  async #beginIn(
    span: OpenSpan,
    names: readonly string[] | undefined,
    { asked, id, ...options }: BeginOptions & {
      readonly asked: AskedRebuild;
      readonly id: string;
    },
  ): Promise<UnderWay> {
    const { adopts, idempotency, resumes = null } = options;
    const own = isOwn(asked.trigger);
    const prepare = () => this.#prepare(names, options, own);
    let { wanted, heldBack, before, settled } = await prepare();
    // What is being stopped must not be joined: it would end as if this had been stopped.
    for (const ending of this.#tasks.ending(() => wanted)) {
      await ending;
      ({ wanted, heldBack, before, settled } = await prepare());
    }
    span.setAttributes({ [ATTRIBUTES.projectionCount]: wanted.length });
    if (this.#isClosed) throw new RebuilderClosedError();
    if (!own && !adopts) this.#assertRoom();
    if (options.whenRunning === "reject") this.#tasks.assertNoneOf(wanted);
    const { trigger, concurrency } = asked;
    const begun = { operationId: id, trigger, wanted, concurrency };
    const operation = new RunningOperation({
      ...before,
      heldBack,
      resumes,
      idempotency,
      promotedAt: options.promotedAt ?? null,
      ...asked,
      id,
      span,
      clock: this.#options.clock,
    });
    for (const detail of settled) operation.settle(detail);
    const { verify = false, promote = "automatic" } = asked;
    const wanting = {
      operation,
      priority: asked.priority,
      trigger,
      whenRunning: options.whenRunning,
      verify,
      manual: promote === "manual",
      continues: resumes !== null || adopts !== undefined,
      context: span.context,
      onPark: () => this.#notePark(id),
    };
    const fresh: BuildTask[] = [];
    const giveUp = (error: unknown): never => {
      this.#peers.running.forget(id);
      for (const task of fresh) task.fail(error);
      operation.withdraw();
      this.#peers.scheduler.reconsider();
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
    const { saved, ended } = this.#peers.running.add(operation);
    await saved.catch((error) => {
      // Its file may be there, and would be found by the next start; one that was there, stays.
      if (!adopts) this.#options.history.forget(operation.record());
      giveUp(error);
    });
    // Closed meanwhile: kept for the next start, like everything else.
    if (this.#isClosed) { for (const task of fresh) task.stop("interrupted"); }
    this.#peers.reporter.begun(begun);
    this.#peers.scheduler.enqueue(fresh, operation.limit);
    onAbort(
      options.signal,
      ended,
      () => void this.#peers.running.stop(id, "cancelled"),
    );
    return { operation, ended };
  }

  /** What a paused operation of an earlier process was begun with. */
  #asBefore({ operation }: InterruptedOperation): AskedRebuild {
    const { id: _, startedAt, generationsBefore, ...before } = operation;
    return {
      ...before,
      concurrency: this.lowered(operation),
      startedAt: new Date(startedAt),
      ...(generationsBefore ? { generationsBefore } : {}),
    };
  }

  /** As much as an operation was allowed, but not more than is allowed now. */
  lowered({ concurrency }: RebuildOperation): number {
    return Math.min(concurrency, this.#options.concurrency);
  }

  #assertRoom(): void {
    const { queueMax = Infinity } = this.#options;
    if (this.#peers.running.size >= queueMax) {
      throw new RebuildQueueFullError(queueMax);
    }
  }

  /** So that others, and the next start, learn that it waits, and what came of comparing it. */
  #notePark(id: string): void {
    this.#peers.running.record(id).catch((error) =>
      this.#options.logger.log(
        "warn",
        "It could not be written down that a build waits to be promoted",
        { operationId: id, error },
      )
    );
  }
}
