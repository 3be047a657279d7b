/**
 * Promoting what an operation built: from then on it is swapped in, whatever happens.
 *
 * @module
 */
import type { RebuildOperation } from "./operation.ts";
import { PromotionRefusedError } from "./rebuilder.ts";
import type { RunningOperation } from "./running_operation.ts";
import type { RebuildScheduler } from "./scheduler.ts";

/** What to promote. */
export interface PromoteOptions {
  readonly operation: RunningOperation;
  /** Gives its builds their places again. */
  readonly scheduler: RebuildScheduler;
  /** What is wrong with the log, if anything is. */
  readonly damage: Error | undefined;
  /** The time, ISO 8601. */
  readonly at: string;
  /** Writes the operation down. */
  readonly save: () => Promise<void>;
  /** Writes it down again as it was, as far as the disk lets it. */
  readonly restore: () => Promise<void>;
}

/**
 * Promotes all that an operation builds.
 *
 * @param options What.
 * @throws {PromotionRefusedError} If not all of it waits for that.
 * @throws The damage of the log: what serves may hold more than it.
 */
export async function promoteTasks(
  { operation, scheduler, damage, at, save, restore }: PromoteOptions,
): Promise<void> {
  const left = operation.tasks.filter(({ hasEnded }) => !hasEnded);
  const isAsked = left.every(({ isManual, isApproved }) =>
    isManual && isApproved
  );
  // Asked for twice: it goes on already.
  if (isAsked) return;
  const waiting = left.filter(({ phase }) => phase === "awaitingPromotion");
  const others = left.filter((task) => !waiting.includes(task));
  if (others.length > 0) {
    throw new PromotionRefusedError(
      operation.id,
      others.map(({ projectionName }) => projectionName),
    );
  }
  if (damage) throw damage;
  // So that nobody else promotes them meanwhile; who is told learns it once it is written down.
  for (const task of waiting) task.promote();
  operation.promoteAt(at);
  try {
    await save();
  } catch (error) {
    // Nothing ran meanwhile: they had no place.
    for (const task of waiting) {
      if (task.isParked) task.unpromote();
    }
    await restore();
    throw error;
  }
  scheduler.enqueue(
    waiting.filter(({ hasEnded }) => !hasEnded),
    operation.limit,
  );
}

/** Whether an operation ended neither well nor badly, as far as is written down. */
export function isOpen({ state }: Pick<RebuildOperation, "state">): boolean {
  return ["queued", "running", "paused", "interrupted"].includes(state);
}
