/**
 * What stores are asked when metrics are collected, and the metrics that come of it.
 *
 * @module
 */
import type { MeterSource } from "./meter_source.ts";
import { type Observation, ObservedGroup } from "./observed_group.ts";

/** How far one projection is, and how large. */
export interface ProjectionObservation {
  /** The projection. */
  readonly name: string;
  /** Position up to which it has applied the log. */
  readonly position: number;
  /** Events that it has not applied yet. */
  readonly lag: number;
  /** Whether it stands still on an event. */
  readonly isFaulted: boolean;
  /** Whether what serves was made by another definition, or of another log. */
  readonly isStale: boolean;
  /** Events that it passed over. */
  readonly deadLetters: number;
  /** Documents that it has. */
  readonly documents: number;
  /** Their size on the disk, in bytes. */
  readonly bytes: number;
}

/** Whether and how a projection is rebuilt. */
export interface BuildObservation {
  /** The projection. */
  readonly name: string;
  /** Events that are still to be worked off; 0 when it is not rebuilt and does not wait for it. */
  readonly remaining: number;
  /** Whether it has not moved for long, though nobody holds it up. */
  readonly isStalled: boolean;
}

/** What is rebuilt. */
export interface RebuildObservation {
  /** Projections being rebuilt. */
  readonly active: number;
  /** Projections waiting. */
  readonly queued: number;
  /** Every projection, rebuilt or not: of what is not there, no alert can tell that all is well. */
  readonly builds: readonly BuildObservation[];
  /** Workers at it. */
  readonly workers: number;
}

/** How large the log is. */
export interface LogObservation {
  /** Its size, in bytes. */
  readonly bytes: number;
  /** In how many segments. */
  readonly segments: number;
  /** Position of its last event. */
  readonly position: number;
  /** Bytes that can still be written to its disk, or `undefined` where that is not told. */
  readonly freeBytes: number | undefined;
}

/** What a process is asked when metrics are collected. Dispose what they return to stop. */
export interface Observers {
  /** Reports position, lag, faults and sizes of projections. */
  observeProjections(
    callback: () =>
      | Iterable<ProjectionObservation>
      | Promise<Iterable<ProjectionObservation>>,
  ): Disposable;

  /** Reports what is rebuilt, what waits, and how far it is. */
  observeRebuilds(callback: () => RebuildObservation): Disposable;

  /** Reports how large the log is, and the room that is left for it. */
  observeLog(
    callback: () => LogObservation | Promise<LogObservation>,
  ): Disposable;

  /** Reports how many problems the last scrub found; `undefined` when there was none. */
  observeScrubs(
    callback: () => number | undefined | Promise<number | undefined>,
  ): Disposable;
}

/**
 * The observers of a process.
 *
 * @param source Where the meter comes from.
 * @returns What stores register with.
 */
export function createObservers(source: MeterSource): Observers {
  const projections = new ObservedGroup(source, [
    "projectionPosition",
    "projectionLag",
    "projectionFaulted",
    "projectionStale",
    "projectionDeadLetters",
    "projectionDocuments",
    "projectionBytes",
  ]);
  const rebuilds = new ObservedGroup(source, [
    "rebuildActive",
    "rebuildQueued",
    "rebuildRemaining",
    "rebuildStalled",
    "rebuildWorkers",
  ]);
  const log = new ObservedGroup(source, [
    "logSize",
    "logSegments",
    "logPosition",
    "diskFree",
  ]);
  const scrubs = new ObservedGroup(source, ["scrubProblems"]);
  return {
    observeProjections: (callback) =>
      projections.add(async () => [...await callback()].flatMap(ofProjection)),
    observeRebuilds: (callback) => rebuilds.add(() => ofRebuilds(callback())),
    observeLog: (callback) => log.add(async () => ofLog(await callback())),
    observeScrubs: (callback) =>
      scrubs.add(async () => {
        const value = await callback();
        return value === undefined ? [] : [{ metric: "scrubProblems", value }];
      }),
  };
}

function ofProjection(observed: ProjectionObservation): Observation[] {
  const { name: projection, position, lag, isFaulted, deadLetters } = observed;
  const { isStale, documents, bytes } = observed;
  return [
    { metric: "projectionPosition", value: position, projection },
    { metric: "projectionLag", value: lag, projection },
    { metric: "projectionFaulted", value: Number(isFaulted), projection },
    { metric: "projectionStale", value: Number(isStale), projection },
    { metric: "projectionDeadLetters", value: deadLetters, projection },
    { metric: "projectionDocuments", value: documents, projection },
    { metric: "projectionBytes", value: bytes, projection },
  ];
}

function ofRebuilds(
  { active, queued, workers, builds }: RebuildObservation,
): Observation[] {
  return [
    { metric: "rebuildActive", value: active },
    { metric: "rebuildQueued", value: queued },
    { metric: "rebuildWorkers", value: workers },
    ...builds.flatMap((
      { name: projection, remaining, isStalled },
    ): Observation[] => [
      { metric: "rebuildRemaining", value: remaining, projection },
      { metric: "rebuildStalled", value: Number(isStalled), projection },
    ]),
  ];
}

function ofLog(
  { bytes, segments, position, freeBytes }: LogObservation,
): Observation[] {
  return [
    { metric: "logSize", value: bytes },
    { metric: "logSegments", value: segments },
    { metric: "logPosition", value: position },
    ...freeBytes === undefined
      ? []
      : [{ metric: "diskFree" as const, value: freeBytes }],
  ];
}
