/**
 * The status over all operations, and when all will be done. Pure functions of the tasks.
 *
 * @module
 */
import type { BuildTask } from "./build_task.ts";
import type {
  ProjectionRebuildResult,
  ProjectionRebuildStatus,
  RebuildThrottleStatus,
} from "./operation.ts";

/** What the status is made from. */
export interface StatusInput {
  /** Tasks being worked on. */
  readonly active: readonly BuildTask[];
  /** Tasks that wait, in the order they will be served. */
  readonly waiting: readonly BuildTask[];
  /** How many may be worked on at once. */
  readonly concurrency: number;
  /** When the oldest running operation was asked for. */
  readonly startedAt: Date | undefined;
  /** Ids of the running operations. */
  readonly operationIds: readonly string[];
  /** The last operation that ended. */
  readonly lastResult: ProjectionRebuildResult | undefined;
  /** The time. */
  readonly now: Date;
  /** How fast rebuilds may go. */
  readonly throttle: RebuildThrottleStatus;
}

/**
 * What is being rebuilt right now.
 *
 * @param input The tasks.
 * @returns The status, frozen.
 */
export function toStatus(input: StatusInput): ProjectionRebuildStatus {
  const { active, waiting, startedAt, operationIds, lastResult, now } = input;
  const isRebuilding = active.length + waiting.length > 0;
  const remainingMs = isRebuilding ? remainingTimeMs(input) : undefined;
  return Object.freeze({
    isRebuilding,
    inProgressProjections: namesOf(active),
    queuedProjections: namesOf(waiting),
    startedAt: isRebuilding ? startedAt?.toISOString() ?? null : null,
    estimatedCompletionAt: remainingMs === undefined
      ? null
      : new Date(now.getTime() + remainingMs).toISOString(),
    progress: Object.freeze(
      [...active, ...waiting].map((task) => task.progress()),
    ),
    operationIds: Object.freeze([...operationIds]),
    lastResult: lastResult ?? null,
    throttle: input.throttle,
  });
}

/**
 * The time until all is done, in milliseconds: what runs ends at its own rate; what waits goes
 * in passes of as many as there are places, at the slowest rate measured.
 */
function remainingTimeMs(
  { active, waiting, concurrency }: StatusInput,
): number | undefined {
  const rates = active.map(({ eventsPerMs }) => eventsPerMs)
    .filter((rate) => rate !== undefined);
  if (rates.length === 0) return undefined;
  const slowest = Math.min(...rates);
  const runningMs = Math.max(
    ...active.map((task) =>
      task.eventsRemaining / (task.eventsPerMs ?? slowest)
    ),
  );
  const passes = Math.ceil(waiting.length / concurrency);
  const eventsAPass = Math.max(
    0,
    ...waiting.map(({ eventsRemaining }) => eventsRemaining),
  );
  return runningMs + passes * eventsAPass / slowest;
}

function namesOf(tasks: readonly BuildTask[]): readonly string[] {
  return Object.freeze(tasks.map(({ projectionName }) => projectionName));
}
