/**
 * A rebuild operation while it runs: which tasks it waits for, and what it tells the world.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { activeContext, type OpenSpan } from "../telemetry/spans.ts";
import { toTraceparent, toTracestate } from "../telemetry/trace_parent.ts";
import type { BuildTask, StopReason } from "./build_task.ts";
import type {
  OperationState,
  PlannedRebuild,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  RebuildOperation,
  RebuildPromotion,
  RebuildTrigger,
} from "./operation.ts";
import { endOperationSpan } from "./operation_span.ts";
import type { IdempotencyRecord, StoredOperation } from "./operation_store.ts";
import type { OperationLimit } from "./scheduler.ts";

/** So many orders are told in its span: operators may order without end. */
const ORDER_LINKS_MAX = 32;

/** What an operation is begun with. */
export interface RunningOperationOptions {
  readonly id: string;
  readonly trigger: RebuildTrigger;
  readonly note: string | null;
  readonly requestedBy: string | null;
  readonly priority: number | null;
  readonly resumes: string | null;
  readonly idempotency: IdempotencyRecord | undefined;
  /** Number of each projection's newest generation, 0 for none. */
  readonly generationsBefore: Readonly<Record<string, number>>;
  /** Names the rollback by which each projection was held back, if one was. */
  readonly rollbacksBefore: Readonly<Record<string, string>>;
  /** @default {false} */
  readonly verify?: boolean;
  /** @default {"automatic"} */
  readonly promote?: RebuildPromotion;
  /** When what it builds was promoted, ISO 8601, or `null`. @default {null} */
  readonly promotedAt?: string | null;
  /** What is not up to date and was left alone. @default {nothing} */
  readonly heldBack?: readonly PlannedRebuild[];
  readonly span: OpenSpan;
  readonly clock: Clock;
  /** At most this many of its projections at once. */
  readonly concurrency: number;
  /** When it was asked for, if not now: by an earlier process that has ended since. */
  readonly startedAt?: Date;
  /** When it was ordered to wait. @default {null: it was not} */
  readonly pausedAt?: string | null;
}

/** An operation of this process. */
export class RunningOperation {
  readonly id: string;
  readonly limit: OperationLimit;
  readonly #options: RunningOperationOptions;
  readonly #tasks: BuildTask[] = [];
  /** Outcomes without a task. */
  readonly #settled: ProjectionRebuildDetail[] = [];
  readonly #left = new Map<BuildTask, PromiseWithResolvers<StopReason>>();
  readonly #startedAt: Date;
  readonly #startedMs: number;
  #pausedAt: string | null;
  #result: ProjectionRebuildResult | undefined;
  #orders = 0;
  readonly #traceparent: string | undefined;
  readonly #tracestate: string | undefined;
  #promotedAt: string | null;

  /** @param options What it is begun with. */
  constructor(options: RunningOperationOptions) {
    this.#options = options;
    this.id = options.id;
    this.#promotedAt = options.promotedAt ?? null;
    this.limit = { concurrency: options.concurrency, running: 0 };
    const { clock, startedAt, pausedAt = null } = options;
    this.#startedAt = startedAt ?? clock.now();
    // Also the time that passed before this process.
    const agoMs = clock.now().getTime() - this.#startedAt.getTime();
    this.#startedMs = clock.monotonicMs() - Math.max(agoMs, 0);
    this.#pausedAt = pausedAt;
    this.#traceparent = toTraceparent(options.span.context);
    this.#tracestate = toTracestate(options.span.context);
  }

  /** When it was ordered to wait, ISO 8601, or `null` while it is not. */
  get pausedAt(): string | null {
    return this.#pausedAt;
  }

  /** The tasks that it waits for. */
  get tasks(): readonly BuildTask[] {
    return this.#tasks;
  }

  /** What is not up to date and was left alone. */
  get heldBack(): readonly PlannedRebuild[] {
    return this.#options.heldBack ?? [];
  }

  /** When it was asked for. */
  get startedAt(): Date {
    return this.#startedAt;
  }

  /** Waits for that task, too. */
  add(task: BuildTask): void {
    task.operationIds.add(this.id);
    this.#tasks.push(task);
    this.#left.set(task, Promise.withResolvers<StopReason>());
    if (this.#pausedAt !== null) task.pause(this.id);
  }

  /** Takes note of an outcome without a task: it cannot be rebuilt now, or was before. */
  settle(detail: ProjectionRebuildDetail): void {
    this.#settled.push(detail);
  }

  /** Stops what only it waits for; for the rest, which others wait for, it waits no more. */
  stop(reason: StopReason): void {
    this.#noteOrder();
    for (const task of this.#tasks) {
      task.operationIds.delete(this.id);
      if (task.operationIds.size === 0) task.stop(reason);
      else {
        task.resume(this.id);
        this.#left.get(task)?.resolve(reason);
      }
    }
  }

  /** Leaves builds to others as if it had never been: it could not be begun. */
  withdraw(): void {
    for (const task of this.#tasks) {
      task.operationIds.delete(this.id);
      task.resume(this.id);
      // Whoever else waited for it may have cancelled it meanwhile.
      if (task.operationIds.size === 0) task.stop("cancelled");
    }
  }

  /** When what it builds was promoted, ISO 8601, or `null`. */
  get promotedAt(): string | null {
    return this.#promotedAt;
  }

  /** Takes note that what it builds may be swapped in, or may not after all. */
  promoteAt(at: string | null): void {
    this.#noteOrder();
    this.#promotedAt = at;
  }

  /** Whether only operators let go on what is left of it. */
  get isHeld(): boolean {
    const left = this.#tasks.filter(({ hasEnded }) => !hasEnded);
    return left.length > 0 &&
      left.every(({ isPaused, phase }) =>
        isPaused || phase === "awaitingPromotion"
      );
  }

  /** Holds up what it waits for. */
  pause(): void {
    this.#noteOrder();
    this.#pausedAt = this.#options.clock.now().toISOString();
    for (const task of this.#tasks) task.pause(this.id);
  }

  /** Lets what it waits for go on. */
  resume(): void {
    this.#noteOrder();
    this.#pausedAt = null;
    for (const task of this.#tasks) task.resume(this.id);
  }

  /** Who orders something is related to it, and not where it comes from. */
  #noteOrder(): void {
    if (this.#orders++ < ORDER_LINKS_MAX) {
      this.#options.span.link(activeContext());
    }
  }

  /** Waits for all of its tasks and sums up. */
  async finish(): Promise<ProjectionRebuildResult> {
    const ended = await Promise.all(this.#tasks.map((task) =>
      Promise.race([
        task.ended,
        this.#left.get(task)?.promise.then((why) => leftDetail(task, why)) ??
          task.ended,
      ])
    ));
    const { clock, span, id } = this.#options;
    const details = [...ended, ...this.#settled]
      .sort((a, b) => a.projectionName < b.projectionName ? -1 : 1);
    const failed = details.filter(({ success }) => !success);
    const state = stateOf(details);
    endOperationSpan(span, state, details);
    this.#result = Object.freeze({
      operationId: id,
      state,
      totalRebuilt: details.length - failed.length,
      duration: clock.monotonicMs() - this.#startedMs,
      details: Object.freeze(details),
      success: failed.length === 0,
      failedProjections: Object.freeze(
        failed.map(({ projectionName }) => projectionName),
      ),
      nothingToDo: details.length === 0,
      startedAt: this.#startedAt.toISOString(),
      completedAt: clock.now().toISOString(),
    });
    return this.#result;
  }

  /** What the world is told. */
  snapshot(): RebuildOperation {
    const { id, trigger, note, resumes, generationsBefore } = this.#options;
    const { requestedBy, priority, concurrency } = this.#options;
    const { verify = false, promote = "automatic" } = this.#options;
    const left = this.#tasks.filter(({ hasEnded }) => !hasEnded);
    const isQueued = this.#tasks.every(({ phase }) => phase === "queued");
    const isPaused = left.length > 0 &&
      left.every(({ isPaused }) => isPaused);
    const stateNow = isPaused ? "paused" : isQueued ? "queued" : "running";
    return Object.freeze({
      id,
      state: this.#result?.state ?? stateNow,
      trigger,
      projectionNames: Object.freeze(
        [...this.#tasks, ...this.#settled].map((task) => task.projectionName)
          .sort(),
      ),
      generationsBefore,
      verify,
      promote,
      promotedAt: this.#promotedAt,
      note,
      requestedBy,
      priority,
      concurrency,
      pausedAt: this.#result ? null : this.#pausedAt,
      resumes,
      startedAt: this.#startedAt.toISOString(),
      completedAt: this.#result?.completedAt ?? null,
      progress: Object.freeze(this.#tasks.map((task) => task.progress())),
      result: this.#result ?? null,
    });
  }

  /** What is written down. */
  record(): StoredOperation {
    const { idempotency, rollbacksBefore } = this.#options;
    const traceparent = this.#traceparent;
    const tracestate = this.#tracestate;
    const snapshot = { ...this.snapshot(), rollbacksBefore };
    const record = {
      ...snapshot,
      ...idempotency ? { idempotency } : {},
      ...traceparent === undefined ? {} : { traceparent },
      ...tracestate === undefined ? {} : { tracestate },
    };
    if (this.#pausedAt === null || snapshot.state !== "interrupted") {
      return record;
    }
    // The process stops, the order outlasts it: it is held up as before when the next one starts.
    const pausedAt = this.#pausedAt;
    return {
      ...record,
      state: "paused",
      pausedAt,
      completedAt: null,
      result: null,
    };
  }
}

/** The part of an operation that was stopped while the build goes on for another one. */
function leftDetail(
  task: BuildTask,
  state: StopReason,
): ProjectionRebuildDetail {
  const { projectionName, eventsProcessed, eventsScanned } = task.progress();
  return Object.freeze({
    projectionName,
    success: false,
    state,
    duration: 0,
    eventsProcessed,
    eventsScanned,
    documents: 0,
    checkpoint: 0,
    reason: task.reason,
    errorMessage: `The rebuild was ${state}`,
    error: null,
    comparison: null,
  });
}

/** The gravest outcome names the whole. */
function stateOf(details: readonly ProjectionRebuildDetail[]): OperationState {
  for (const state of ["interrupted", "cancelled", "failed"] as const) {
    if (details.some((detail) => detail.state === state)) return state;
  }
  return "succeeded";
}

/** Does something when a signal aborts before something else has ended. */
export function onAbort(
  signal: AbortSignal | undefined,
  ended: Promise<unknown>,
  action: () => void,
): void {
  signal?.addEventListener("abort", action, { once: true });
  if (signal?.aborted) action();
  const forget = () => signal?.removeEventListener("abort", action);
  ended.then(forget, forget);
}
