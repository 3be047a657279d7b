/**
 * What is known of a projection's builds: the one under way, and what came of the last. Types
 * only. Builds are the rebuilder's, which is told of projections rather than the other way round:
 * whoever puts both together lends them {@linkcode ProjectionBuilds}.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/**
 * Where a rebuild stands. The first five are phases of work; the others are final.
 * `awaitingPromotion`: the build is complete and waits for an operator, without a place among
 * those that are rebuilt at once.
 */
export type RebuildPhase =
  | "queued"
  | "scanning"
  | "catchingUp"
  | "awaitingPromotion"
  | "swapping"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "interrupted";

/** A document that differs. The texts are data: they are in no log and no span. */
export interface ComparisonSample {
  /** The document's key. */
  readonly key: string;
  /** What the new build does to it. */
  readonly change: "added" | "removed" | "changed";
  /** The document that serves as JSON text, cut after 1,000 characters; `null` when added. */
  readonly before: string | null;
  /** The document of the new build likewise; `null` when removed. */
  readonly after: string | null;
}

/** How a new build differs from the generation that serves, both at the same position. */
export interface RebuildComparison {
  /** Position up to which both had applied the log. */
  readonly checkpoint: Position;
  /** Number of the generation that serves. */
  readonly generation: number;
  /** Documents of the new build alone. */
  readonly added: number;
  /** Documents of the serving generation alone. */
  readonly removed: number;
  /** Documents of both that say different things, however their fields are ordered. */
  readonly changed: number;
  /** Documents that are the same. */
  readonly unchanged: number;
  /** The first that differ, in order of key, at most 20. */
  readonly samples: readonly ComparisonSample[];
}

/** Progress of one projection's rebuild. */
export interface ProjectionRebuildProgress {
  /** The projection. */
  readonly projectionName: string;
  /** What it is doing. */
  readonly phase: RebuildPhase;
  /** Position up to which the log was scanned. */
  readonly position: Position;
  /** Position to which it will be scanned, as known now. */
  readonly target: Position;
  /** Events looked at in this run. */
  readonly eventsScanned: number;
  /** Events applied. */
  readonly eventsProcessed: number;
  /** Share of the work that is done, 0 to 100. */
  readonly percent: number;
  /** Whether it is held up until it is resumed. */
  readonly paused: boolean;
  /**
   * Whether nothing has moved for 10 seconds though it is not paused: one event takes long, the
   * disk does not answer, or a pass that it shares is paused.
   */
  readonly stalled: boolean;
  /**
   * Where its events are applied: in a worker, or in the process that serves, which small logs,
   * and definitions that were not given as a module, are. `null` before that is known.
   */
  readonly runsIn: "worker" | "process" | null;
  /** Events looked at a second, or `null` before the first was measured. */
  readonly eventsPerSecond: number | null;
  /** When it will be done at that rate, ISO 8601, or `null` before a rate was measured. */
  readonly estimatedCompletionAt: string | null;
  /** How the build differs from what serves, from when that is known to its end; else `null`. */
  readonly comparison?: RebuildComparison | null;
}

/** What came of a projection's last build. */
export interface ProjectionLastBuild {
  /** The operation that it was part of. */
  readonly operationId: string;
  /** How it ended. */
  readonly state: RebuildPhase;
  /** When the operation was asked for, ISO 8601. */
  readonly startedAt: string;
  /** When the operation ended, ISO 8601. */
  readonly completedAt: string;
  /** Time that the build took, without queueing and pauses, in milliseconds. */
  readonly duration: number;
  /** Events applied. */
  readonly eventsProcessed: number;
}

/** The last that went wrong with a projection, in a build or a live update. */
export interface ProjectionLastError {
  /** What happened. */
  readonly message: string;
  /** The event it happened at, when there was one. */
  readonly position: Position | null;
  /** That event's type. */
  readonly eventType: string | null;
  /** When, ISO 8601. */
  readonly at: string;
}

/**
 * What a repair is doing: it waits for its place, looks at every document, folds the log anew for
 * those that are wanted, compares what came of that with what serves, and changes what differs.
 */
export type RepairPhase =
  | "queued"
  | "checking"
  | "scanning"
  | "comparing"
  | "changing";

/** How far a repair of a projection's documents is, or the rebuild of single ones. Plain JSON. */
export interface ProjectionRepairProgress {
  /** The projection. */
  readonly projectionName: string;
  /** When it was asked for, ISO 8601. */
  readonly startedAt: string;
  /** What it is doing. */
  readonly phase: RepairPhase;
  /** Documents that were looked at; 0 when only documents of given keys are rebuilt. */
  readonly documentsChecked: number;
  /** Documents to be looked at. */
  readonly documents: number;
  /** Position up to which the log was folded. */
  readonly position: Position;
  /** Position up to which it will be, as known now. */
  readonly target: Position;
  /** Documents that are folded anew, as many as are known by now. */
  readonly keys: number;
  /** Share of the work that is done, 0 to 100, about. */
  readonly percent: number;
  /** Documents or events a second in this phase, or `null` where none were counted. */
  readonly perSecond: number | null;
}

/**
 * What came of the last repair of a projection's documents, or the rebuild of single ones, in this
 * process. Plain JSON.
 */
export interface ProjectionLastRepair {
  /** What was asked for: what is missing or damaged, or documents by their keys. */
  readonly scope: "missingOrDamaged" | "givenKeys";
  /** How it ended. Unless it succeeded, nothing was changed. */
  readonly outcome: "succeeded" | "failed" | "cancelled";
  /** When it was asked for, ISO 8601: as its progress said. */
  readonly startedAt: string;
  /** When it ended, ISO 8601. */
  readonly completedAt: string;
  /** Documents that were looked at closer; 0 unless it succeeded. */
  readonly keys: number;
  /** Of these, those that were changed, added or removed. */
  readonly keysChanged: number;
  /** What went wrong, or `null`. */
  readonly error: {
    /** The error's class. */
    readonly name: string;
    /** What happened. */
    readonly message: string;
    /** The event it happened at, when there was one. */
    readonly position: Position | null;
    /** That event's type. */
    readonly eventType: string | null;
  } | null;
}

/** What is known of a projection's builds. */
export interface ProjectionBuildInfo {
  /** The build under way, or `null`. */
  readonly build: ProjectionRebuildProgress | null;
  /** The repair under way in this process, or `null`. */
  readonly repair: ProjectionRepairProgress | null;
  /** What came of the last repair of this process, or `null`. */
  readonly lastRepair: ProjectionLastRepair | null;
  /** The last build that ended, or `null`. */
  readonly lastBuild: ProjectionLastBuild | null;
  /** What went wrong with the last build that failed, or `null`. */
  readonly lastError: ProjectionLastError | null;
}

/** Knows the builds of projections. */
export interface ProjectionBuilds {
  /** What is known of one projection's builds. */
  of(name: string): ProjectionBuildInfo;
}
