/**
 * The schedule: rebuilds at quiet hours, through the cron of the runtime where it has one.
 *
 * @module
 */
import type { Logger } from "../telemetry/logger.ts";

/** The part of `Deno.cron` that is used; it is there with `--unstable-cron`. */
type Cron = (
  name: string,
  schedule: string,
  options: { readonly signal: AbortSignal },
  handler: () => void | Promise<void>,
) => Promise<void>;

/** What to do when. */
export interface ScheduleOptions {
  /** A cron expression of five fields, UTC. */
  readonly schedule: string;
  /** Runs at those times; must not throw. */
  readonly action: () => Promise<void>;
  /** Ends the schedule. */
  readonly signal: AbortSignal;
  /** Told when there is no cron. */
  readonly logger: Logger;
  /** The cron to use. @default {Deno.cron} */
  readonly cron?: Cron | undefined;
}

/**
 * Sets up a scheduled action.
 *
 * @param options What to do when.
 * @returns Whether the runtime has a cron.
 */
export function startSchedule(options: ScheduleOptions): boolean {
  const { schedule, action, signal, logger } = options;
  const cron = "cron" in options
    ? options.cron
    : (Deno as { cron?: Cron }).cron;
  if (!cron) {
    logger.log(
      "warn",
      "Scheduled rebuilds are off as Deno.cron is not available: run with --unstable-cron",
      { schedule },
    );
    return false;
  }
  cron("opossum rebuild", schedule, { signal }, action).catch((error) => {
    if (!signal.aborted) {
      logger.log("error", "Scheduled rebuilds ended", { schedule, error });
    }
  });
  return true;
}
