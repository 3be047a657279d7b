/**
 * Scrubs at the times of a cron expression.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { nextOpening } from "./rebuild_window.ts";
import { ScrubRunningError, type Scrubs } from "./scrub.ts";
import { sleepUntil } from "./sleep_until.ts";

/** What a schedule needs. */
export interface ScrubScheduleOptions {
  /** When: a cron expression of five fields, UTC; `undefined` for never. */
  readonly cron: string | undefined;
  readonly scrubber: Pick<Scrubs, "scrub">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Scrubs until it is told to stop.
 *
 * @param options When.
 * @param signal Ends it, and the scrub that is under way.
 * @returns Resolves when it has ended. Never rejects.
 */
export async function scrubOnSchedule(
  { cron, scrubber, clock, logger }: ScrubScheduleOptions,
  signal: AbortSignal,
): Promise<void> {
  while (cron !== undefined && !signal.aborted) {
    // What was due while one went on is made up for by none.
    const due = nextOpening({ cron }, clock.now());
    if (!due) return;
    await sleepUntil(clock, due, signal);
    if (signal.aborted) return;
    try {
      await scrubber.scrub({ signal });
    } catch (error) {
      if (signal.aborted) return;
      const isRunning = error instanceof ScrubRunningError;
      logger.log(isRunning ? "info" : "error", "Scheduled scrub failed", {
        cron,
        error,
      });
    }
  }
}
