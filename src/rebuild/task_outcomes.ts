/**
 * How far tasks have come, and what becomes of those that fail, cannot be begun, or are about to
 * end. Types, and pure functions of them.
 *
 * @module
 */
import { reasonOf } from "../log/errors.ts";
import { ProjectionApplyError } from "../projections/errors.ts";
import type { Position } from "../events/event.ts";
import type { BuildTask } from "./build_task.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  RebuildFailure,
} from "./operation.ts";

/** How far a task has come. */
export interface TaskProgress {
  /** Position up to which the log was read. */
  readonly position: Position;
  /** Position up to which it will be read. */
  readonly target: Position;
  /** Events applied. */
  readonly eventsProcessed: number;
  /** Position up to which the work is done, about: what was put aside counts in part. */
  readonly worked: Position;
}

/** Where errors of the system begin to name files: Deno's, and Node's. */
const FILE_NAMES = [
  /(?<=\(os error \d{1,9}\)): .*$/s,
  /(?<=^E[A-Z0-9]{1,20}: [^,]{1,200}), .*$/s,
];

/** What stays in this process, for its log. */
interface Untold {
  /** The whole message. */
  readonly message: string;
  /** Where it was thrown. */
  readonly stack: string | undefined;
}

const untold = new WeakMap<RebuildFailure, Untold>();

/**
 * What a failed rebuild says about an error: without the paths of files, as everybody reads it who
 * may look at operations.
 *
 * @param error What was thrown.
 * @returns The failure, frozen.
 */
export function toFailure(error: unknown): RebuildFailure {
  const event = error instanceof ProjectionApplyError ? error.event : undefined;
  const message = reasonOf(error);
  const failure = Object.freeze({
    name: error instanceof Error ? error.name : "Error",
    message: FILE_NAMES.reduce(
      (text, pattern) => text.replace(pattern, ""),
      message,
    ),
    position: event?.position ?? null,
    eventType: event?.type ?? null,
  });
  // Where the projection's code threw, rather than where that was caught.
  const thrown = error instanceof ProjectionApplyError ? error.cause : error;
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  untold.set(failure, { message, stack });
  return failure;
}

/**
 * What whoever repairs something has to know of a failure.
 *
 * @param failure The failure, as {@linkcode toFailure} made it.
 * @returns The failure with the paths of files.
 */
export function forLog(failure: RebuildFailure): RebuildFailure {
  const { message } = failure;
  return { ...failure, message: untold.get(failure)?.message ?? message };
}

/**
 * Where a failure was thrown, for the log.
 *
 * @param failure The failure, as {@linkcode toFailure} made it.
 * @returns The stack, or `undefined` where none is known.
 */
export function stackForLog(failure: RebuildFailure): string | undefined {
  return untold.get(failure)?.stack;
}

/**
 * The outcome of a projection that could not even be queued.
 *
 * @param plan What was to be done.
 * @param cause Why it could not.
 * @returns The failed outcome, frozen.
 */
export function refusedDetail(
  { projectionName, reason }: PlannedRebuild,
  cause: Error,
): ProjectionRebuildDetail {
  const error = toFailure(cause);
  return Object.freeze({
    projectionName,
    success: false,
    state: "failed",
    duration: 0,
    eventsProcessed: 0,
    eventsScanned: 0,
    documents: 0,
    checkpoint: 0,
    reason,
    errorMessage: error.message,
    error,
    comparison: null,
  });
}

/**
 * A build that is being swapped in has read its last event: joining it would answer with what was
 * there before the call.
 *
 * @param tasks The tasks there are.
 * @param names Which to wait for; all when left out.
 */
export async function whenSwapsEnd(
  tasks: Iterable<BuildTask>,
  names: readonly string[] | undefined,
): Promise<void> {
  const swapping = [...tasks].filter(({ phase, projectionName }) =>
    phase === "swapping" && (names?.includes(projectionName) ?? true)
  );
  await Promise.all(swapping.map(({ ended }) => ended));
}
