/**
 * The check of what callers of the rebuilder ask for, before any work.
 *
 * @module
 */
import type { RebuildPromotion, RebuildTrigger } from "./operation.ts";
import type { RebuildOptions } from "./rebuilder.ts";

const NOTE_LENGTH_MAX = 256;

/** The options that an operation is begun with. */
export interface ResolvedRebuildOptions {
  /** At most this many of its projections at once. */
  readonly concurrency: number;
  /** Who asks. */
  readonly trigger: RebuildTrigger;
  /** Words for the history. */
  readonly note: string | null;
  /** Whether builds are compared with what serves. */
  readonly verify: boolean;
  /** Whether builds wait to be promoted. */
  readonly promote: RebuildPromotion;
}

/**
 * Fills in the defaults and checks every value.
 *
 * @param options What the caller gave.
 * @param concurrencyMax What an operation may lower but not exceed.
 * @returns The values.
 * @throws {RangeError} If a value is out of range.
 */
export function resolveRebuildOptions(
  options: RebuildOptions,
  concurrencyMax: number,
): ResolvedRebuildOptions {
  const {
    concurrency = concurrencyMax,
    trigger = "code",
    note = null,
    verify = false,
    promote = "automatic",
  } = options;
  assertInteger("concurrency", concurrency, concurrencyMax);
  if (note !== null && note.length > NOTE_LENGTH_MAX) {
    throw new RangeError(
      `Cannot rebuild as 'note' must have at most ${NOTE_LENGTH_MAX} characters: ` +
        `it has ${note.length}`,
    );
  }
  if (promote !== "automatic" && promote !== "manual") {
    throw new RangeError(
      `Cannot rebuild as 'promote' must be "automatic" or "manual": current value is ${
        JSON.stringify(promote)
      }`,
    );
  }
  return { concurrency, trigger, note, verify, promote };
}

/**
 * Checks that an option is an integer from 1.
 *
 * @param option Its name.
 * @param value Its value.
 * @param max The greatest value allowed.
 * @throws {RangeError} If it is not.
 */
export function assertInteger(
  option: string,
  value: number,
  max: number,
): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new RangeError(
      `Cannot rebuild as '${option}' must be an integer from 1 to ${max}: ` +
        `current value is ${value}`,
    );
  }
}
