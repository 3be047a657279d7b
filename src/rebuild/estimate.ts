/**
 * Estimates: how long a rebuild will take, by how long the last ones took, and how much room it
 * needs on the disk. Pure functions of what was measured.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { ProjectionInfo } from "../projections/projections.ts";
import type {
  PlannedRebuild,
  RebuildOperation,
  RebuildPlan,
} from "./operation.ts";

/** Room on the disk, as far as it can be told. */
export interface DiskRoom {
  /** Bytes that can still be written, or `undefined`. */
  freeBytes(): number | undefined;
  /** Bytes of the log, or `undefined` where it is not on files. */
  logBytes(): number | undefined;
}

/** What a projection takes, and how much of the log it holds. */
export type ProjectionSize = Pick<ProjectionInfo, "bytes" | "checkpoint">;

/** How a projection stands, and what is to be done about it. */
export interface SurveyedProjection {
  readonly planned: PlannedRebuild;
  readonly info: ProjectionSize;
}

/** What an estimate is made from. */
export interface EstimateInput {
  /** The projections that were asked about. */
  readonly surveyed: readonly SurveyedProjection[];
  /** How every registered projection stands: what is not built yet is judged by the others. */
  readonly infos: readonly ProjectionSize[];
  /** Earlier operations, the newest first. */
  readonly history: Iterable<RebuildOperation>;
  /** Position of the last event. */
  readonly head: Position;
  /** How many are built at once. */
  readonly concurrency: number;
  /** Room on the disk. */
  readonly disk: DiskRoom | undefined;
}

/** Earlier operations that are looked at for rates. */
const OPERATIONS_MAX = 100;

/** A rate counts when it was measured over at least one event in so many of those to come. */
const SHARE_MEASURED = 10;

/**
 * Estimates what a rebuild will take.
 *
 * @param input What is known.
 * @returns The plan with its estimates, frozen.
 */
export function estimateRebuild(input: EstimateInput): RebuildPlan {
  const { surveyed, disk } = input;
  const wanted = surveyed.filter(({ planned }) => planned.rebuild);
  return Object.freeze({
    projections: Object.freeze(surveyed.map(({ planned }) => planned)),
    events: wanted.reduce((sum, { planned }) => sum + planned.events, 0),
    estimatedDuration: durationOf(input, wanted),
    estimatedBytes: bytesOf(input, wanted.map(({ info }) => info)),
    freeBytes: disk?.freeBytes() ?? null,
  });
}

/** What a generation takes that holds next to nothing, in bytes. */
const EMPTY_BYTES = 131_072;

/** Documents with keys, tags and related events take more than so many times the log hardly ever. */
const LOG_SHARE_MAX = 2;

/**
 * Bytes that new generations will take beside those that serve meanwhile: as much as these, and
 * more for the events since. What was never built is judged by the projection that takes most
 * for each event, or else by the log. The log also bounds what is concluded from few events.
 *
 * @param input What is known.
 * @param builds The projections that are built anew.
 * @returns The bytes.
 */
export function bytesOf(
  { infos, head, disk }: Pick<EstimateInput, "infos" | "head" | "disk">,
  builds: readonly ProjectionSize[],
): number {
  const logBytes = disk?.logBytes();
  const growthOf = (bytesPerEvent: number, events: number): number =>
    Math.min(
      bytesPerEvent * Math.max(events, 0),
      (logBytes ?? Infinity) * LOG_SHARE_MAX,
    );
  const rates = infos.filter(({ checkpoint }) => checkpoint > 0)
    .map(bytesPerEvent);
  const unknown = rates.length > 0
    ? growthOf(Math.max(...rates), head)
    : logBytes ?? 0;
  return builds.reduce((sum, info) => {
    const { bytes, checkpoint } = info;
    const estimate = checkpoint > 0
      ? bytes + growthOf(bytesPerEvent(info), head - checkpoint)
      : EMPTY_BYTES + unknown;
    return sum + Math.ceil(estimate);
  }, 0);
}

function bytesPerEvent({ bytes, checkpoint }: ProjectionSize): number {
  return Math.max(bytes - EMPTY_BYTES, 0) / checkpoint;
}

/** In milliseconds, or `null` when nothing like it was measured. */
function durationOf(
  { history, concurrency }: EstimateInput,
  wanted: readonly SurveyedProjection[],
): number | null {
  if (wanted.length === 0) return 0;
  const events = Math.max(...wanted.map(({ planned }) => planned.events));
  const rates = ratesOf(history, events);
  if (rates.size === 0) return null;
  const slowest = Math.min(...rates.values());
  // As the scheduler does: whoever is next gets the place that is free first.
  const places = new Array<number>(Math.min(concurrency, wanted.length))
    .fill(0);
  for (const { planned } of wanted) {
    const rate = rates.get(planned.projectionName) ?? slowest;
    places.sort((a, b) => a - b);
    places[0] = (places[0] ?? 0) + planned.events / rate;
  }
  return Math.round(Math.max(...places));
}

/** Events a millisecond, by projection, when each was last rebuilt over as many events. */
function ratesOf(
  history: Iterable<RebuildOperation>,
  events: number,
): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  let operations = 0;
  for (const { result } of history) {
    if (++operations > OPERATIONS_MAX) break;
    for (const detail of result?.details ?? []) {
      const { projectionName, success, duration, eventsScanned } = detail;
      if (!success || duration <= 0 || rates.has(projectionName)) continue;
      // What opening files takes says nothing about a long log.
      if (eventsScanned < 1 || eventsScanned * SHARE_MEASURED < events) {
        continue;
      }
      rates.set(projectionName, eventsScanned / duration);
    }
  }
  return rates;
}
