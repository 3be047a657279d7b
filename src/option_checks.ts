/**
 * The checks of the options of `openOpossum()`: what they refuse, and in which words.
 *
 * @module
 */
import {
  type GivenSchedule,
  nextDue,
  type RebuildWindow,
} from "./daemon/rebuild_window.ts";
import {
  GOOD_NEIGHBOUR,
  type GoodNeighbourOptions,
} from "./rebuild/good_neighbour.ts";

/** The windows of a schedule, checked. */
export function resolveWindows(
  given: GivenSchedule,
): readonly RebuildWindow[] {
  const option = "rebuildSchedule";
  const windows = (Array.isArray(given) ? given : [given]).map((window) =>
    typeof window === "string" ? { cron: window } : window
  );
  if (windows.length > 32) {
    throw new RangeError(refusal(option, "at most 32 windows", windows.length));
  }
  for (const { cron, duration, concurrency, eventsPerSecondMax } of windows) {
    if (!isDueEver(cron)) {
      throw new RangeError(
        refusal(option, "a cron expression of five fields that is due", cron),
      );
    }
    if (duration !== undefined) {
      assertInteger(`${option}.duration`, duration, 60_000, 604_800_000);
    }
    if (concurrency !== undefined) {
      assertInteger(`${option}.concurrency`, concurrency, 1, 64);
    }
    if (eventsPerSecondMax !== undefined) {
      const name = `${option}.eventsPerSecondMax`;
      assertInteger(name, eventsPerSecondMax, 100, 1_000_000_000);
    }
  }
  return windows;
}

function isDueEver(cron: string): boolean {
  try {
    return nextDue(cron, new Date()) !== undefined;
  } catch {
    return false;
  }
}

/** When something is due, checked; `undefined` for never. */
export function resolveCron(
  option: string,
  cron: string | undefined,
): string | undefined {
  if (cron === undefined || (typeof cron === "string" && isDueEver(cron))) {
    return cron;
  }
  const wanted = "a cron expression of five fields that is due some day";
  throw new RangeError(refusal(option, wanted, cron));
}

/** When rebuilds slow down, checked; `undefined` for never. */
export function resolveGoodNeighbour(
  value: boolean | GoodNeighbourOptions,
): Required<GoodNeighbourOptions> | undefined {
  if (value === false) return undefined;
  if (value === true) return GOOD_NEIGHBOUR;
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      refusal("rebuildGoodNeighbour", "true, false or its options", value),
    );
  }
  const resolved = { ...GOOD_NEIGHBOUR, ...value };
  const { eventLoopDelayMax, appendDurationMax, shareMin } = resolved;
  const prefix = "rebuildGoodNeighbour";
  assertInteger(`${prefix}.eventLoopDelayMax`, eventLoopDelayMax, 1, 60_000);
  assertInteger(`${prefix}.appendDurationMax`, appendDurationMax, 1, 60_000);
  if (!(shareMin >= 0.01 && shareMin <= 1)) {
    throw new RangeError(
      refusal(`${prefix}.shareMin`, "a number from 0.01 to 1", shareMin),
    );
  }
  return resolved;
}

/** How many projections are rebuilt at once, checked. */
export function resolveConcurrency(value: number | "auto"): number {
  if (value === "auto") {
    return Math.min(Math.max(navigator.hardwareConcurrency, 1), 64);
  }
  if (!Number.isSafeInteger(value) || value < 1 || value > 64) {
    throw new RangeError(
      refusal(
        "maxConcurrentRebuilds",
        'an integer from 1 to 64, or "auto"',
        value,
      ),
    );
  }
  return value;
}

/** Refuses what is neither true nor false. */
export function assertBoolean(option: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(refusal(option, "true or false", value));
}

/** Refuses what is no integer in a range. */
export function assertInteger(
  option: string,
  value: number,
  min: number,
  max: number,
): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(
      refusal(option, `an integer from ${min} to ${max}`, value),
    );
  }
}

/** Says what an option must be, and what it is. */
export function refusal(
  option: string,
  wanted: string,
  value: unknown,
): string {
  const shown = typeof value === "string"
    ? JSON.stringify(value)
    : String(value);
  return `Cannot open Opossum as '${option}' must be ${wanted}: current value is ${shown}`;
}
