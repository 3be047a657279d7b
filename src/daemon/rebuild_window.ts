/**
 * When scheduled rebuilds may run: windows that open at the times of a cron expression.
 *
 * @module
 */
import { Cron } from "croner";

/** A time at which what needs it is rebuilt, and within which bounds. */
export interface RebuildWindow {
  /** When it opens: a cron expression of five fields, UTC. */
  readonly cron: string;
  /**
   * How long it stays open, in milliseconds, 60,000 to 604,800,000 (a week). What is not done by
   * then is interrupted, and goes on from there when a window opens again, also after a restart.
   * One that opens again before it closes stays open.
   * @default {until all is done}
   */
  readonly duration?: number;
  /** At most this many projections at once, 1 to 64. @default {maxConcurrentRebuilds} */
  readonly concurrency?: number;
  /**
   * Events of the log that all rebuilds of the process together may read a second while what was
   * begun in it goes on, an integer from 100 to 1,000,000,000. @default {rebuildEventsPerSecondMax}
   */
  readonly eventsPerSecondMax?: number;
}

/** Windows, or only the cron expressions at which they open. */
export type GivenSchedule =
  | string
  | RebuildWindow
  | readonly (string | RebuildWindow)[];

/** A window with its times. Dates in ISO 8601. Plain JSON. */
export interface RebuildWindowStatus {
  /** When it opens: a cron expression of five fields, UTC. */
  readonly cron: string;
  /** How long it stays open, in milliseconds, or `null`: until all is done. */
  readonly duration: number | null;
  /** At most this many projections at once, or `null`: as many as at other times. */
  readonly concurrency: number | null;
  /** Events read a second, or `null`: as many as at other times. */
  readonly eventsPerSecondMax: number | null;
  /** Whether it is open: something is being rebuilt in it, or could be. */
  readonly isOpen: boolean;
  /** When it opens next, or `null` when it never does. */
  readonly opensAt: string | null;
  /** When it closes, or `null` when it is not open or has no end. */
  readonly closesAt: string | null;
  /** The last operation that was started in it, or `null`. */
  readonly operationId: string | null;
}

/**
 * When a cron expression is due next.
 *
 * @param cron Five fields, UTC.
 * @param after The time after which.
 * @returns The time, or `undefined` if never.
 * @throws {TypeError | RangeError} If it is no cron expression.
 */
export function nextDue(cron: string, after: Date): Date | undefined {
  return parseCron(cron).nextRun(after) ?? undefined;
}

/**
 * When the window that is open at a time will close.
 *
 * @param window The window.
 * @param now The time.
 * @returns When it closes, or `undefined` if it is closed, or has no end.
 */
export function closingOf(
  { cron, duration }: RebuildWindow,
  now: Date,
): Date | undefined {
  if (duration === undefined) return undefined;
  // The reference itself does not count as past.
  const reference = new Date(now.getTime() + 1);
  const [opened] = parseCron(cron).previousRuns(1, reference);
  if (!opened) return undefined;
  const closes = new Date(opened.getTime() + duration);
  return closes > now ? closes : undefined;
}

function parseCron(cron: string): Cron {
  return new Cron(cron, { timezone: "UTC", mode: "5-part", paused: true });
}
