/**
 * Waiting for an operation as long as its caller wants to, and answering with what came of it.
 *
 * @module
 */
import type {
  Opossum,
  ProjectionRebuildResult,
  RebuildOperation,
} from "../mod.ts";
import type { Context } from "hono";
import { noteOperation } from "./audit.ts";
import { preferredWaitMs } from "./prefer.ts";
import { operationPath, ProblemError } from "./problem.ts";

/** Seconds between two looks at an operation whose end cannot be estimated. */
const RETRY_SECONDS_DEFAULT = 1;
/** Longest time to ask a client to wait before it looks again, in seconds. */
const RETRY_SECONDS_MAX = 30;

/** How often to look whether it is still worth waiting, in milliseconds. */
const LOOK_MS = 1_000;

/** Whether an operation ends only when an operator wants it to. */
function isHeld({ state, progress }: RebuildOperation): boolean {
  return state === "paused" ||
    progress.some(({ phase }) => phase === "awaitingPromotion");
}

/** What a request that started an operation is answered with. */
export type RebuildOutcome =
  | { readonly isDone: true; readonly result: ProjectionRebuildResult }
  | { readonly isDone: false; readonly operation: RebuildOperation };

/**
 * Waits for an operation, but no longer than the request's `Prefer` header says, and not for an
 * operator: one that is paused or waits to be promoted counts as out of time. Neither running out
 * of time nor a client that goes away cancels the operation.
 *
 * @param context The request's context; gets the headers that go with the outcome.
 * @param opossum Runs the operation.
 * @param operation The operation that was started.
 * @param waitMsDefault How long to wait when the request does not say, in milliseconds.
 * @returns The result of a success, or the operation that goes on.
 * @throws {ProblemError} If a projection failed, or the operation was cancelled or interrupted;
 * the problem holds the whole result.
 */
export async function awaitOutcome(
  context: Context,
  opossum: Opossum,
  operation: RebuildOperation,
  waitMsDefault: number,
): Promise<RebuildOutcome> {
  noteOperation(context, operation.id);
  const waitMs = preferredWaitMs(context, waitMsDefault);
  const lastId = await lastOf(opossum, operation);
  const result = await waitAtMost(opossum, lastId, waitMs);
  if (result === undefined) {
    const current = await opossum.rebuilder.getOperation(operation.id);
    announceOperation(context, current ?? operation, opossum);
    return { isDone: false, operation: current ?? operation };
  }
  if (!result.success) throw new ProblemError(unsuccessful(result));
  return { isDone: true, result };
}

/**
 * Says where to follow an operation, and when to look again.
 *
 * @param context Gets the headers `Location` and `Retry-After`.
 * @param operation The operation.
 * @param opossum Its clock tells what time it is.
 */
export function announceOperation(
  context: Context,
  operation: RebuildOperation,
  opossum: Opossum,
): void {
  const nowMs = opossum.options.clock.now().getTime();
  const endsMs = operation.progress
    .map(({ estimatedCompletionAt }) => Date.parse(estimatedCompletionAt ?? ""))
    .filter((ms) => !Number.isNaN(ms));
  const seconds = endsMs.length === 0
    ? RETRY_SECONDS_DEFAULT
    : Math.ceil((Math.max(...endsMs) - nowMs) / 1_000);
  context.header("Location", operationPath(operation.id));
  context.header(
    "Retry-After",
    String(Math.min(Math.max(seconds, 1), RETRY_SECONDS_MAX)),
  );
}

/** The operation that goes on with an interrupted one, which a repeated request may come upon. */
async function lastOf(
  { rebuilder }: Opossum,
  operation: RebuildOperation,
): Promise<string> {
  let last = operation;
  while (last.resumedBy !== undefined) {
    const next = await rebuilder.getOperation(last.resumedBy);
    if (!next) break;
    last = next;
  }
  return last.id;
}

async function waitAtMost(
  { rebuilder, options: { clock } }: Opossum,
  id: string,
  waitMs: number,
): Promise<ProjectionRebuildResult | undefined> {
  if (waitMs === 0) return undefined;
  const waiting = new AbortController();
  const timer = new AbortController();
  const isWorthWaiting = async () => {
    try {
      const operation = await rebuilder.getOperation(id);
      return operation !== undefined && !isHeld(operation);
    } catch {
      // Nobody would take it: the next look, or the end, will tell.
      return true;
    }
  };
  const endMs = clock.monotonicMs() + waitMs;
  const giveUp = async () => {
    while (!timer.signal.aborted && await isWorthWaiting()) {
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      await clock.sleep(Math.min(leftMs, LOOK_MS), timer.signal);
    }
    waiting.abort();
  };
  const timedOut = giveUp();
  try {
    return await rebuilder.wait(id, { signal: waiting.signal });
  } catch (error) {
    if (waiting.signal.aborted) return undefined;
    throw error;
  } finally {
    timer.abort();
    await timedOut;
  }
}

function unsuccessful(
  result: ProjectionRebuildResult,
): ProblemError["problem"] {
  const { state, operationId, failedProjections } = result;
  const names = failedProjections.join(", ");
  const extensions = { operation: operationPath(operationId), result };
  if (state === "cancelled") {
    return {
      kind: "rebuild-cancelled",
      status: 409,
      title: "Rebuild Cancelled",
      detail: `The rebuild was cancelled before it was done with: ${names}`,
      extensions,
    };
  }
  if (state === "interrupted") {
    return {
      kind: "rebuild-interrupted",
      status: 503,
      title: "Rebuild Interrupted",
      detail: "The server stopped before it was done; it goes on at its next " +
        `start with: ${names}`,
      extensions,
    };
  }
  const failed = result.details.filter(({ success }) => !success);
  if (failed.every(({ error }) => error?.name === "RebuildConflictError")) {
    return {
      kind: "rebuild-conflict",
      status: 409,
      title: "Rebuild already running",
      detail: "Another operation, which this one cannot join, as it runs " +
        `elsewhere or waits for an operator, rebuilds already: ${names}`,
      extensions,
    };
  }
  return {
    kind: "rebuild-failed",
    status: 500,
    title: "Rebuild Failed",
    detail: `Failed to rebuild: ${names}`,
    extensions,
  };
}
