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

/** How far a scrub is: it looks at the log, and then at one projection after the other. Plain JSON. */
export interface ScrubProgress {
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** What it looks at. */
  readonly phase: "log" | "projections";
  /** Events of the log that were looked at. */
  readonly eventsChecked: number;
  /** Events of the log, when it began. */
  readonly events: number;
  /** The projection that it looks at, or `null` while it looks at the log. */
  readonly projectionName: string | null;
  /** Projections that were looked at. */
  readonly projectionsChecked: number;
  /** Projections to be looked at. */
  readonly projections: number;
  /** Documents that were looked at, of the generation at hand: the one kept comes second. */
  readonly documentsChecked: number;
  /** Documents that this generation says it has. */
  readonly documents: number;
  /** Share of the work that is done, 0 to 100, about: half of it is the log. */
  readonly percent: number;
}

/** What to scrub. */
export interface ScrubOptions {
  /** These projections only. @default {all that are registered} */
  readonly projections?: readonly string[];
  /** Gives up by throwing its reason. What was marked as damaged stays so. */
  readonly signal?: AbortSignal;
  /**
   * Told how far it is, often: after each piece of the work. What it throws ends the scrub. Others
   * see the same as `scrubProgress`. @default {nobody}
   */
  readonly onProgress?: (progress: ScrubProgress) => void;
}

/** Scrubs a store. */
export interface Scrubs {
  /** See `Opossum.scrub`. */
  scrub(options?: ScrubOptions): Promise<ScrubReport>;
  /** See `Opossum.lastScrub`. */
  lastScrub(): Promise<ScrubReport | undefined>;
  /** See `Opossum.scrubbingSince`. */
  readonly scrubbingSince: string | undefined;
  /** See `Opossum.scrubProgress`. */
  readonly scrubProgress: ScrubProgress | undefined;
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
