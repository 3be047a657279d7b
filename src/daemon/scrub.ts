/**
 * Scrubbing: looking for damage before anybody comes upon it. Types, and the error that callers
 * handle.
 *
 * @module
 */
import type { VerifyReport } from "../log/verify.ts";
import type { ScrubbedGenerations } from "../projections/generation_scrub.ts";

/** What a scrub found of one projection. Plain JSON. */
export interface ScrubbedProjection extends ScrubbedGenerations {
  /** The projection. */
  readonly name: string;
}

/** What a scrub found. Plain JSON. */
export interface ScrubReport {
  /** Whether nothing is damaged, and everything could be looked at. */
  readonly ok: boolean;
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** When it was done, ISO 8601. */
  readonly completedAt: string;
  /** The log. */
  readonly log: VerifyReport;
  /** The projections, sorted by name. */
  readonly projections: readonly ScrubbedProjection[];
}

/**
 * How many problems a scrub found: each place of damage in the log, and each generation that is
 * damaged or cannot be read.
 *
 * @param report What it found.
 * @returns Their number, 0 when all is well.
 */
export function countProblems({ log, projections }: ScrubReport): number {
  return projections.reduce(
    (sum, { problem, previousProblem }) =>
      sum + Number(problem !== null) + Number(previousProblem !== null),
    log.problems.length,
  );
}

/** What to scrub. */
export interface ScrubOptions {
  /** These projections only. @default {all that are registered} */
  readonly projections?: readonly string[];
  /** Gives up by throwing its reason. What was marked as damaged stays so. */
  readonly signal?: AbortSignal;
}

/** Scrubs a store. */
export interface Scrubs {
  /** See `Opossum.scrub`. */
  scrub(options?: ScrubOptions): Promise<ScrubReport>;
  /** See `Opossum.lastScrub`. */
  lastScrub(): Promise<ScrubReport | undefined>;
  /** See `Opossum.scrubbingSince`. */
  readonly scrubbingSince: string | undefined;
}

/** A scrub is under way: one at a time is enough. */
export class ScrubRunningError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "ScrubRunningError";

  /**
   * Creates the error.
   *
   * @param startedAt When the other one began, ISO 8601.
   */
  constructor(
    /** When the other one began, ISO 8601. */
    readonly startedAt: string,
  ) {
    super(`Cannot scrub as a scrub is under way: since ${startedAt}`);
  }
}
