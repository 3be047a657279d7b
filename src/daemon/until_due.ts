/**
 * Waiting for a time of the wall clock.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { nextDue } from "./rebuild_window.ts";

/** The wall clock may be set meanwhile: it is looked at again after so many milliseconds. */
export const SLEEP_MS_MAX = 60_000;

/**
 * Waits until a cron expression is due next.
 *
 * @param clock The clock.
 * @param cron Five fields, UTC.
 * @param signal Goes on at once when it aborts.
 * @returns Whether it is due: not when it never is, nor when the signal aborted.
 */
export async function untilDue(
  clock: Clock,
  cron: string,
  signal: AbortSignal,
): Promise<boolean> {
  let due = nextDue(cron, clock.now());
  while (due && !signal.aborted) {
    const now = clock.now();
    if (now >= due) return true;
    // A clock that is set back comes upon earlier times first.
    const next = nextDue(cron, now);
    if (next && next < due) due = next;
    const leftMs = due.getTime() - now.getTime();
    await clock.sleep(Math.min(leftMs, SLEEP_MS_MAX), signal);
  }
  return false;
}
