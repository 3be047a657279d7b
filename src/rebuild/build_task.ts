/**
 * One projection's rebuild: where it stands, how far it is, and how it ended. Several operations
 * may wait for the same one.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { TelemetryContext } from "../telemetry/spans.ts";
import type {
  ProjectionRebuildDetail,
  ProjectionRebuildProgress,
  RebuildComparison,
  RebuildFailure,
  RebuildPhase,
  RebuildReason,
} from "./operation.ts";
import { Headway } from "./headway.ts";
import { type ManualBuild, Parking } from "./parking.ts";
import { Pausing } from "./pausing.ts";
import { type TaskProgress, toFailure } from "./task_outcomes.ts";

/** Why a task was stopped. */
export type StopReason = "cancelled" | "interrupted";

/** What a task is begun with. */
export interface BuildTaskOptions {
  /** The projection. */
  readonly projectionName: string;
  /** Why it is rebuilt. */
  readonly reason: RebuildReason;
  /** Who gets a free place first; higher goes first. */
  readonly priority: number;
  /** Position of the last event when it was asked for. */
  readonly target: Position;
  /** Keeps other processes from building it; let go when the task ends. */
  readonly lock: Disposable;
  /** Measures durations. */
  readonly clock: Clock;
  /** The span of the operation that it belongs to. */
  readonly context: TelemetryContext;
  /** Whether the build is compared with what serves. @default {false} */
  readonly verify?: boolean | undefined;
  /** Whether the build waits to be promoted; what is known of that. @default {it does not} */
  readonly manual?: ManualBuild | undefined;
}

/** What a successful build came to. */
export interface BuildOutcome {
  /** Number of documents. */
  readonly documents: number;
  /** Position up to which it is complete. */
  readonly checkpoint: Position;
}

/** One projection's rebuild, from being queued to its end. */
export class BuildTask {
  readonly projectionName: string;
  readonly reason: RebuildReason;
  readonly priority: number;
  /** Ids of the operations that want it. */
  readonly operationIds = new Set<string>();
  readonly #options: BuildTaskOptions;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<ProjectionRebuildDetail>();
  #phase: RebuildPhase = "queued";
  #startedMs: number | undefined;
  #firstPosition: Position = 0;
  #position: Position = 0;
  #target: Position;
  #eventsScanned = 0;
  #eventsProcessed = 0;
  readonly #headway = new Headway();
  #runsIn: "worker" | "process" | null = null;
  readonly #pausing: Pausing;
  /** When it moved last. */
  #movedMs = 0;
  readonly #parking: Parking;
  /** Events applied before it waited to be promoted. */
  #eventsBefore = 0;
  /** How the build differs from what serves, once that is known. */
  comparison: RebuildComparison | null = null;
  /** The span of its work, once that has begun: what is told of it belongs there. */
  workContext: TelemetryContext;
  /** What it failed by. */
  thrown: unknown;

  /** @param options What it is begun with. */
  constructor(options: BuildTaskOptions) {
    this.#options = options;
    this.projectionName = options.projectionName;
    this.reason = options.reason;
    this.priority = options.priority;
    this.#target = options.target;
    this.workContext = options.context;
    this.#pausing = new Pausing(options.clock);
    this.#parking = new Parking(options.clock, options.manual);
  }

  /** The operation that wanted it first, or `null` when none does any more. */
  get operationId(): string | null {
    const [first = null] = this.operationIds;
    return first;
  }

  /** Whether it is to be compared with what serves. */
  get verifies(): boolean {
    return this.#options.verify ?? false;
  }

  /** Whether it waits to be promoted before it is swapped in. */
  get isManual(): boolean {
    return this.#options.manual !== undefined;
  }

  /** Whether it may be swapped in. */
  get isApproved(): boolean {
    return this.#parking.isApproved;
  }

  /** Whether it goes on with what is there, or begins anew. */
  get continues(): boolean {
    return this.isManual
      ? this.#parking.continues
      : this.reason === "interrupted";
  }

  /** Whether it waits to be promoted, or for a place since it was. */
  get isParked(): boolean {
    return this.#parking.isParked && !this.hasEnded;
  }

  /** Waits to be promoted: needs no place meanwhile. */
  park(): void {
    this.#phase = "awaitingPromotion";
    this.#parking.park();
  }

  /** May be swapped in: needs a place again. */
  promote(): void {
    this.#phase = "queued";
    this.#parking.promote();
  }

  /** Takes that back: it could not be written down. */
  unpromote(): void {
    this.#phase = "awaitingPromotion";
    this.#parking.rest();
    this.#parking.demote();
  }

  /** What was promoted is gone: what is built instead was seen by nobody. */
  demote(): void {
    this.#parking.demote();
  }

  /** Resolves when it needs its place no more: it has ended, or waits to be promoted. */
  get resting(): Promise<void> {
    return this.#parking.resting;
  }

  /** Events applied since it began, or was promoted. */
  get eventsProcessed(): number {
    return this.#eventsProcessed - this.#eventsBefore;
  }

  /** Events applied since it was begun. */
  get eventsApplied(): number {
    return this.#eventsProcessed;
  }

  /** The span of the operation that it belongs to. */
  get context(): TelemetryContext {
    return this.#options.context;
  }

  /** Position that its work began after. */
  get firstPosition(): Position {
    return this.#firstPosition;
  }

  /** Where it stands. */
  get phase(): RebuildPhase {
    return this.#phase;
  }

  /** Aborts when the task is to stop; its reason is a {@linkcode StopReason}. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves when it has ended, however. Never rejects. */
  get ended(): Promise<ProjectionRebuildDetail> {
    return this.#ended.promise;
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return FINAL_PHASES.has(this.#phase);
  }

  /** Whether it is to wait. */
  get isPaused(): boolean {
    return this.#pausing.sinceMs !== undefined && !this.hasEnded;
  }

  /** Holds it up for an operation, as soon as it can. */
  pause(operationId: string): void {
    this.#pausing.pause(operationId);
  }

  /** Lets it go on, unless another operation holds it up. */
  resume(operationId: string): void {
    // That it stood still until now is no fault of the build.
    if (this.isPaused) this.#moved();
    this.#pausing.resume(operationId, this.#startedMs);
  }

  /** Calls back whenever it is paused or goes on. Dispose the returned object to stop. */
  onPause(listener: () => void): Disposable {
    return this.#pausing.onChange(listener);
  }

  /** Begins the work. */
  begin(position: Position): void {
    this.#phase = "scanning";
    if (this.#startedMs !== undefined) {
      this.#parking.leave();
      this.#moved();
      this.#eventsBefore = this.#eventsProcessed;
      return;
    }
    this.#startedMs = this.#options.clock.monotonicMs();
    this.#firstPosition = position;
    this.#position = position;
    this.#moved();
  }

  /** Goes on to another phase of work. */
  enter(phase: "catchingUp" | "swapping"): void {
    this.#phase = phase;
    this.#moved();
  }

  /** Says where its events are applied. */
  runIn(place: "worker" | "process"): void {
    this.#runsIn = place;
  }

  /** Takes note of how far it has come. */
  advance({ position, target, eventsProcessed, worked }: TaskProgress): void {
    const cameFurther = this.#headway.advance(
      worked,
      Math.max(target, position),
    );
    const hasMoved = cameFurther || position > this.#position ||
      eventsProcessed !== this.#eventsProcessed;
    if (hasMoved) this.#moved();
    // Never backwards: what is read anew is made up for first.
    this.#position = Math.max(this.#position, position);
    this.#eventsScanned = Math.max(this.#position - this.#firstPosition, 0);
    this.#target = Math.max(target, position);
    this.#eventsProcessed = this.#eventsBefore + eventsProcessed;
  }

  /** Asks it to stop as soon as it can. */
  stop(reason: StopReason): void {
    this.#stop.abort(reason);
  }

  /** Ends it successfully. */
  succeed(outcome: BuildOutcome): void {
    this.#end("succeeded", outcome, null);
  }

  /** Ends it unsuccessfully: by an error, or since it was stopped. */
  fail(error: unknown): void {
    const { aborted, reason } = this.#stop.signal;
    const nothing = { documents: 0, checkpoint: 0 };
    if (aborted) return this.#end(reason, nothing, null);
    if (!this.hasEnded) this.thrown = error;
    this.#end("failed", nothing, toFailure(error));
  }

  /** Events worked off a millisecond, or `undefined` before it was measured. */
  get eventsPerMs(): number | undefined {
    const done = this.#eventsDone;
    if (this.#startedMs === undefined || done <= 0) return undefined;
    const workedMs = this.#workedMs;
    return workedMs > 0 ? done / workedMs : undefined;
  }

  #moved(): void {
    this.#movedMs = this.#options.clock.monotonicMs();
  }

  /** Whether nothing has moved for long, and nobody ordered that. */
  get isStalled(): boolean {
    if (this.#startedMs === undefined || this.hasEnded || this.isPaused) {
      return false;
    }
    // That nobody promotes it yet is no fault of the build.
    if (this.isParked) return false;
    return this.#options.clock.monotonicMs() - this.#movedMs >= STALLED_MS;
  }

  /** Milliseconds since it began, without pauses. */
  get #workedMs(): number {
    if (this.#startedMs === undefined) return 0;
    const { sinceMs, pausedMs } = this.#pausing;
    const nowMs = sinceMs ?? this.#options.clock.monotonicMs();
    const restedMs = pausedMs + this.#parking.parkedMs;
    return Math.max(nowMs - this.#startedMs - restedMs, 0);
  }

  /** Events still to be worked off: looked at, and those put aside applied. */
  get eventsRemaining(): number {
    return Math.max(this.#target - this.#firstPosition - this.#eventsDone, 0);
  }

  get #eventsDone(): number {
    return Math.max(
      Math.min(this.#headway.done, this.#target) - this.#firstPosition,
      0,
    );
  }

  /** How far it is. */
  progress(): ProjectionRebuildProgress {
    const rate = this.eventsPerMs;
    const { clock } = this.#options;
    const isOver = this.hasEnded || this.#phase === "awaitingPromotion";
    return Object.freeze({
      projectionName: this.projectionName,
      phase: this.#phase,
      position: this.#position,
      target: this.#target,
      eventsScanned: this.#eventsScanned,
      eventsProcessed: this.#eventsProcessed,
      percent: this.#phase === "succeeded" ? 100 : Math.min(
        100,
        100 * (this.#firstPosition + this.#eventsDone) /
          Math.max(this.#target, 1),
      ),
      paused: this.isPaused,
      stalled: this.isStalled,
      runsIn: this.#runsIn,
      eventsPerSecond: rate === undefined ? null : Math.round(rate * 1_000),
      estimatedCompletionAt: rate === undefined || isOver || this.isPaused
        ? null
        : new Date(clock.now().getTime() + this.eventsRemaining / rate)
          .toISOString(),
      // Once: afterwards it stands in the outcome.
      comparison: this.hasEnded ? null : this.comparison,
    });
  }

  #end(
    phase: RebuildPhase,
    { documents, checkpoint }: BuildOutcome,
    error: RebuildFailure | null,
  ): void {
    if (this.hasEnded) return;
    const { lock } = this.#options;
    this.#phase = phase;
    lock[Symbol.dispose]();
    this.#parking.rest();
    const success = phase === "succeeded";
    this.#ended.resolve(Object.freeze({
      projectionName: this.projectionName,
      success,
      state: phase,
      duration: this.#workedMs,
      eventsProcessed: this.#eventsProcessed,
      eventsScanned: this.#eventsScanned,
      documents,
      checkpoint,
      reason: this.reason,
      errorMessage: success
        ? null
        : error?.message ?? `The rebuild was ${phase}`,
      error,
      comparison: this.comparison,
    }));
  }
}

/** Nothing moves for this long, in milliseconds: somebody should look. */
export const STALLED_MS = 10_000;

const FINAL_PHASES: ReadonlySet<RebuildPhase> = new Set([
  "succeeded",
  "failed",
  "cancelled",
  "interrupted",
]);
