/**
 * The check of what callers of the rebuilder ask for, before any work.
 *
 * @module
 */
import type { RebuildPromotion, RebuildTrigger } from "./operation.ts";
import type { StartOptions } from "./rebuilder.ts";

const TEXT_LENGTH_MAX = 256;
const PRIORITY_MAX = 100;

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
  /** Id of whoever asks. */
  readonly requestedBy: string | null;
  /** Who gets a free place first; `null`: as each definition says. */
  readonly priority: number | null;
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
  options: StartOptions,
  concurrencyMax: number,
): ResolvedRebuildOptions {
  const { concurrency = concurrencyMax, trigger = "code" } = options;
  const { note = null, requestedBy = null, priority = null } = options;
  const { verify = false, promote = "automatic" } = options;
  assertInteger("concurrency", concurrency, concurrencyMax);
  if (
    priority !== null &&
    !(Number.isSafeInteger(priority) && Math.abs(priority) <= PRIORITY_MAX)
  ) {
    throw new RangeError(
      `Cannot rebuild as 'priority' must be an integer from -${PRIORITY_MAX} to ` +
        `${PRIORITY_MAX}: current value is ${priority}`,
    );
  }
  assertText("note", note);
  assertText("requestedBy", requestedBy);
  const { idempotencyKey } = options;
  if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) {
    // Without its value, as it may be a secret.
    throw new RangeError(
      "Cannot rebuild as 'idempotencyKey' must have 1 to 255 visible ASCII characters",
    );
  }
  if (promote !== "automatic" && promote !== "manual") {
    throw new RangeError(
      `Cannot rebuild as 'promote' must be "automatic" or "manual": current value is ${
        JSON.stringify(promote)
      }`,
    );
  }
  return {
    concurrency,
    trigger,
    note,
    requestedBy,
    priority,
    verify,
    promote,
  };
}

/** Whether a text has 1 to 255 visible ASCII characters. */
function isIdempotencyKey(key: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(key);
}

function assertText(option: string, text: string | null): void {
  if (text !== null && text.length > TEXT_LENGTH_MAX) {
    throw new RangeError(
      `Cannot rebuild as '${option}' must have at most ${TEXT_LENGTH_MAX} characters: ` +
        `it has ${text.length}`,
    );
  }
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
