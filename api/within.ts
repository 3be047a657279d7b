/**
 * Waiting for work that is not kept as an operation, as long as its caller wants to.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type { OpossumOptions } from "../mod.ts";

/** How to wait. */
export interface WithinOptions {
  /** How long, in milliseconds; 0 for not at all. */
  readonly waitMs: number;
  /** Times the wait, and is told when nobody else would hear of a failure. */
  readonly options: Required<Pick<OpossumOptions, "clock" | "logger">>;
  /** What is logged of work that fails later. */
  readonly failed: string;
}

/**
 * Waits for work, but no longer than that. What fails at once is answered at once, however short
 * the wait. Running out of time cancels nothing.
 *
 * @param work What is under way.
 * @param options How long, and whom to tell of a failure after that.
 * @returns What the work came to, or `undefined` when it goes on.
 */
export async function within<T extends object>(
  work: Promise<T>,
  { waitMs, options: { clock, logger }, failed }: WithinOptions,
): Promise<T | undefined> {
  const timer = new AbortController();
  const waiting = waitMs === 0
    ? setImmediate()
    : clock.sleep(waitMs, timer.signal);
  const timedOut = waiting.then(() => undefined);
  let isOver = false;
  work.catch((error) => {
    // Nobody else would hear of it.
    if (isOver) logger.log("error", failed, { error });
  });
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    isOver = true;
    timer.abort();
    await timedOut;
  }
}
