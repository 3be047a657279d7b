/**
 * Rebuild operations as the world sees them: their states, results and progress. Types, and the
 * pure functions that derive one from another.
 *
 * Every snapshot handed out is frozen and plain JSON: durations in milliseconds, times in ISO
 * 8601, positions and counts as integers.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type {
  ComparisonSample,
  ProjectionRebuildProgress,
  RebuildComparison,
  RebuildPhase,
} from "../projections/build_info.ts";

export type {
  ComparisonSample,
  ProjectionRebuildProgress,
  RebuildComparison,
  RebuildPhase,
};

/** Where an operation stands: `succeeded` only when every projection succeeded. */
export type OperationState =
  | "queued"
  | "running"
  | "paused"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "interrupted";

/** Who asked for an operation. */
export type RebuildTrigger =
  | "api"
  | "code"
  | "cli"
  | "startup"
  | "resume"
  | "schedule"
  | "damage";

/** Why a projection is in the plan, or `upToDate` when it is not. */
export type RebuildReason =
  | "absent"
  | "versionChanged"
  | "fingerprintChanged"
  | "damaged"
  | "ahead"
  | "faulted"
  | "interrupted"
  | "forced"
  | "requested"
  /** It is held back: an operator went back to an older generation of it. */
  | "rolledBack"
  /** It is held back: a build of it waits to be promoted. */
  | "awaitingPromotion"
  | "upToDate";

/** Whether a new generation is swapped in by itself, or only when an operator says so. */
export type RebuildPromotion = "automatic" | "manual";

/** What a failed rebuild says about the failure. */
export interface RebuildFailure {
  /** The error's class. */
  readonly name: string;
  /** What happened. */
  readonly message: string;
  /** The event it happened at, when there was one. */
  readonly position: Position | null;
  /** That event's type. */
  readonly eventType: string | null;
}

/** Outcome of one projection's rebuild. */
export interface ProjectionRebuildDetail {
  /** The projection. */
  readonly projectionName: string;
  /** Whether the new generation serves now. */
  readonly success: boolean;
  /** How it ended. */
  readonly state: RebuildPhase;
  /** Time from start to end without queueing and pauses, in milliseconds. */
  readonly duration: number;
  /** Events applied, not a position: those that changed, or could have changed, a document. */
  readonly eventsProcessed: number;
  /** Events looked at. */
  readonly eventsScanned: number;
  /** Documents in the new generation; 0 when it failed. */
  readonly documents: number;
  /** Position up to which the new generation is complete; 0 when it failed. */
  readonly checkpoint: Position;
  /** Why it was rebuilt. */
  readonly reason: RebuildReason;
  /** What went wrong, or `null`. */
  readonly errorMessage: string | null;
  /** What went wrong in detail, or `null`. */
  readonly error: RebuildFailure | null;
  /**
   * How it differs from what served before, or `null` if that was not asked for, or there was
   * nothing to compare with. Left out by earlier versions.
   */
  readonly comparison?: RebuildComparison | null;
}

/** Outcome of an operation, also of one that was cancelled half-way. */
export interface ProjectionRebuildResult {
  /** The operation's id: 32 hexadecimal digits. */
  readonly operationId: string;
  /** How it ended. */
  readonly state: OperationState;
  /** Number of projections rebuilt successfully. */
  readonly totalRebuilt: number;
  /** Time from the request to the end, in milliseconds. */
  readonly duration: number;
  /** One entry a projection, sorted by name. */
  readonly details: readonly ProjectionRebuildDetail[];
  /** Whether no projection failed or was cancelled. Also true when there was nothing to do. */
  readonly success: boolean;
  /** Names of the projections that are not rebuilt. */
  readonly failedProjections: readonly string[];
  /** Whether no projection needed a rebuild. */
  readonly nothingToDo: boolean;
  /** When it was asked for, ISO 8601. */
  readonly startedAt: string;
  /** When it ended, ISO 8601. */
  readonly completedAt: string;
}

/** A rebuild operation, running or ended. */
export interface RebuildOperation {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Where it stands. */
  readonly state: OperationState;
  /** Who asked for it. */
  readonly trigger: RebuildTrigger;
  /** The projections it rebuilds. */
  readonly projectionNames: readonly string[];
  /**
   * Number of the newest generation of each projection when it was asked for, 0 for none.
   * Tells what was swapped in already when a crash kept the outcome from being written down.
   */
  readonly generationsBefore?: Readonly<Record<string, number>>;
  /** Whether the builds are compared with what serves. Left out by earlier versions. */
  readonly verify?: boolean;
  /** Whether the builds wait to be promoted. Left out by earlier versions. */
  readonly promote?: RebuildPromotion;
  /** When an operator promoted them, ISO 8601, or `null`. Left out by earlier versions. */
  readonly promotedAt?: string | null;
  /** The words of whoever asked, or `null`. */
  readonly note: string | null;
  /** Id of whoever asked, never a token; `null` when that is not known. */
  readonly requestedBy: string | null;
  /** Who gets a free place first, -100 to 100; `null`: as each definition says. */
  readonly priority: number | null;
  /** At most this many of its projections are rebuilt at once. */
  readonly concurrency: number;
  /** When it was ordered to wait, ISO 8601; `null` while it is not. Outlasts restarts. */
  readonly pausedAt: string | null;
  /** The interrupted operation that it continues, or `null`. */
  readonly resumes: string | null;
  /** The operation that continued it after an interruption. */
  readonly resumedBy?: string;
  /** When it was asked for, ISO 8601. */
  readonly startedAt: string;
  /** When it ended, ISO 8601, or `null`. */
  readonly completedAt: string | null;
  /** Progress of each of its projections. */
  readonly progress: readonly ProjectionRebuildProgress[];
  /** The outcome, or `null` while it runs. */
  readonly result: ProjectionRebuildResult | null;
}

/** What is being rebuilt right now, over all operations, and what came of the last one. */
export interface ProjectionRebuildStatus {
  /** Whether any rebuild runs or waits. */
  readonly isRebuilding: boolean;
  /** Projections being rebuilt. */
  readonly inProgressProjections: readonly string[];
  /** Projections waiting for a free place. */
  readonly queuedProjections: readonly string[];
  /** When the oldest running operation was asked for, ISO 8601, or `null` when none runs. */
  readonly startedAt: string | null;
  /**
   * When all will be done, ISO 8601, from the events still to apply and the measured rate;
   * `null` when nothing runs or no rate was measured yet.
   */
  readonly estimatedCompletionAt: string | null;
  /** Progress of every projection in progress or queued. */
  readonly progress: readonly ProjectionRebuildProgress[];
  /** Ids of the operations that run or wait. */
  readonly operationIds: readonly string[];
  /** The last operation that ended, or `null`. */
  readonly lastResult: ProjectionRebuildResult | null;
  /** How fast rebuilds may go now. */
  readonly throttle: RebuildThrottleStatus;
}

/** How fast rebuilds may go now. */
export interface RebuildThrottleStatus {
  /** Share of the time that each pass over the log works: 1 when nothing suffers from it. */
  readonly share: number;
  /** What made it less than 1 last, or `null`. */
  readonly reason: "eventLoop" | "appends" | null;
  /** Events of the log that all rebuilds together may read a second, or `null` for any number. */
  readonly eventsPerSecondMax: number | null;
}

/** What a rebuild would do to one projection. */
export interface PlannedRebuild {
  /** The projection. */
  readonly projectionName: string;
  /** Why, or `upToDate`. */
  readonly reason: RebuildReason;
  /** Whether it would be rebuilt. */
  readonly rebuild: boolean;
  /** Events from its starting point to the head. */
  readonly events: number;
  /** Position that the serving generation has, or 0. */
  readonly checkpoint: Position;
}

/** What a rebuild would do, and what it would take. */
export interface RebuildPlan {
  /** Each projection that was asked about. */
  readonly projections: readonly PlannedRebuild[];
  /** Events to be looked at, once for each projection that is rebuilt. */
  readonly events: number;
  /**
   * How long it will take, in milliseconds, at the rates of the last rebuilds; `null` as long as
   * none over at least a tenth as many events is in the history.
   */
  readonly estimatedDuration: number | null;
  /**
   * Bytes on the disk that the new generations will take beside the old ones, without temporary
   * files: by the size of the old ones, or of the events where there are none.
   */
  readonly estimatedBytes: number;
  /** Bytes that are free there, or `null` where that cannot be told. */
  readonly freeBytes: number | null;
}
