/**
 * Numbers, times and reasons in words for people.
 *
 * @module
 */
import type {
  OperationState,
  ProjectionInfo,
  RebuildReason,
  RebuildTrigger,
} from "../../mod.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** What a projection's state means. */
export const STATES: Readonly<Record<ProjectionInfo["state"], string>> = {
  absent: "Not built: reads fail until it is rebuilt",
  building: "Being built for the first time: reads fail until then",
  ready: "Served and kept up to date",
  stale: "Served as it was built, but not updated, since its code changed",
  faulted: "Served, but not updated, since its code failed on an event",
  damaged: "Its files are missing or damaged: reads fail until it is rebuilt",
};

/** Why a projection is rebuilt. */
export const REASONS: Readonly<Record<RebuildReason, string>> = {
  absent: "it was never built",
  versionChanged: "its version changed",
  fingerprintChanged: "its code changed",
  damaged: "its files are damaged",
  ahead: "it is ahead of the log",
  faulted: "its code failed on an event",
  interrupted: "a rebuild was interrupted",
  awaitingPromotion: "a build of it waits to be promoted",
  rolledBack: "it was rolled back",
  forced: "all are to be rebuilt",
  requested: "it is asked for",
  upToDate: "it is up to date",
};

/** Why an operation was started. */
export const TRIGGERS: Readonly<Record<RebuildTrigger, string>> = {
  api: "asked for",
  code: "by the program",
  cli: "from the command line",
  startup: "at start-up",
  resume: "after an interruption",
  schedule: "by schedule",
  damage: "as damage was found",
};

/** How urgently something wants to be seen. */
export type Tone = "good" | "busy" | "warn" | "bad";

/** How a projection's state looks. */
export const STATE_TONES: Readonly<Record<ProjectionInfo["state"], Tone>> = {
  absent: "warn",
  building: "busy",
  ready: "good",
  stale: "warn",
  faulted: "bad",
  damaged: "bad",
};

/** How an operation's state looks. */
export const OPERATION_TONES: Readonly<Record<OperationState, Tone>> = {
  queued: "busy",
  running: "busy",
  paused: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "warn",
  interrupted: "warn",
};

/** `1523` as "1,523". */
export function count(value: number): string {
  return integers.format(value);
}

/** `1` as "1 event", `2` as "2 events". */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Bytes in the largest fitting unit. */
export function bytes(value: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1_024 && unit < units.length - 1) {
    scaled /= 1_024;
    unit++;
  }
  const digits = unit > 0 && scaled < 10 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${units[unit]}`;
}

/** A length of time. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS) return inTwo(ms, MINUTE_MS, "min", SECOND_MS, "s");
  if (ms < DAY_MS) return inTwo(ms, HOUR_MS, "h", MINUTE_MS, "min");
  return inTwo(ms, DAY_MS, "d", HOUR_MS, "h");
}

/** How long something will take: no more exact than an estimate is. */
export function about(ms: number): string {
  if (ms < 1.5 * SECOND_MS) return "about a second";
  if (ms < MINUTE_MS) return `about ${Math.round(ms / SECOND_MS)} s`;
  return `about ${duration(ms)}`;
}

/** How long ago a time was, or how far ahead it is. */
export function relative(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  const words = roughly(Math.abs(ms));
  if (words === undefined) return ms < 0 ? "in a moment" : "just now";
  return ms < 0 ? `in ${words}` : `${words} ago`;
}

/** A time as people write it, in UTC. */
export function instant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** The first digits of an id: enough to tell two apart. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** "A", "A and B", "A, B and 3 more". */
export function list(names: readonly string[]): string {
  if (names.length <= 3) {
    return names.length < 2
      ? names.join("")
      : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  }
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

function roughly(ms: number): string | undefined {
  if (ms < 10 * SECOND_MS) return undefined;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} days`;
}

function inTwo(
  ms: number,
  large: number,
  largeUnit: string,
  small: number,
  smallUnit: string,
): string {
  const total = Math.round(ms / small);
  const perLarge = large / small;
  const rest = total % perLarge;
  const whole = `${Math.floor(total / perLarge)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}
