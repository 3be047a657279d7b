/**
 * Waiting for a time of the wall clock.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";

/** The wall clock may be set meanwhile: it is looked at again after so many milliseconds. */
export const SLEEP_MS_MAX = 60_000;

/**
 * Waits for a time.
 *
 * @param clock The clock.
 * @param time When to go on.
 * @param signal Goes on at once when it aborts.
 */
export async function sleepUntil(
  clock: Clock,
  time: Date,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const leftMs = time.getTime() - clock.now().getTime();
    if (leftMs <= 0) return;
    await clock.sleep(Math.min(leftMs, SLEEP_MS_MAX), signal);
  }
}
