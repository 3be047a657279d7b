/**
 * Scrubs at the times of a cron expression.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ScrubRunningError, type Scrubs } from "./scrub.ts";
import { untilDue } from "./until_due.ts";

/** What a schedule needs. */
export interface ScrubScheduleOptions {
  /** When: a cron expression of five fields, UTC; `undefined` for never. */
  readonly scrubSchedule: string | undefined;
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
  { scrubSchedule: cron, scrubber, clock, logger }: ScrubScheduleOptions,
  signal: AbortSignal,
): Promise<void> {
  if (cron === undefined) return;
  // What was due while one went on is made up for by none.
  while (await untilDue(clock, cron, signal)) {
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
