/**
 * The `Prefer` header (RFC 7240): whether a caller waits for the end of what it starts, and for how
 * long.
 *
 * @module
 */
import type { Context } from "hono";

/** How a caller wants to be answered. */
export interface WaitPreference {
  /** How long to wait before answering with the operation, in milliseconds; 0 for not at all. */
  readonly waitMs: number;
  /** What of the request's preferences is honoured, or `undefined` when it had none. */
  readonly applied: string | undefined;
}

/** Longest wait that a caller may ask for, in seconds. */
const WAIT_SECONDS_MAX = 600;

/**
 * Reads the preferences `respond-async` and `wait`. Unknown and malformed ones are ignored, as
 * the RFC asks; of repeated ones the first counts. `respond-async` alone waits for nothing;
 * together with `wait` it waits that long.
 *
 * @param header The header's value, or `undefined` when there is none.
 * @param waitMsDefault How long to wait when nothing is preferred, in milliseconds.
 * @returns How long to wait, and what to say about it in `Preference-Applied`.
 */
export function parseWaitPreference(
  header: string | undefined,
  waitMsDefault: number,
): WaitPreference {
  const preferences = new Map<string, string>();
  for (const preference of (header ?? "").split(",")) {
    const [token = ""] = preference.split(";");
    const [name = "", value = ""] = token.split("=").map((part) => part.trim());
    const key = name.toLowerCase();
    if (!preferences.has(key)) preferences.set(key, value.replaceAll('"', ""));
  }
  const isAsync = preferences.get("respond-async") === "";
  const wait = preferences.get("wait") ?? "";
  const waitSeconds = /^\d{1,9}$/.test(wait)
    ? Math.min(Number(wait), WAIT_SECONDS_MAX)
    : undefined;
  const applied = [
    ...(isAsync ? ["respond-async"] : []),
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
  ].join(", ");
  return {
    waitMs: waitSeconds === undefined
      ? (isAsync ? 0 : waitMsDefault)
      : waitSeconds * 1_000,
    applied: applied === "" ? undefined : applied,
  };
}

/**
 * How long a request wants to wait for the end of what it starts. The response says what of that
 * is honoured.
 *
 * @param context The request's context.
 * @param waitMsDefault How long to wait when the request does not say, in milliseconds.
 * @returns How long to wait, in milliseconds; 0 for not at all.
 */
export function preferredWaitMs(
  context: Context,
  waitMsDefault: number,
): number {
  const { waitMs, applied } = parseWaitPreference(
    context.req.header("prefer"),
    waitMsDefault,
  );
  if (applied !== undefined) context.header("Preference-Applied", applied);
  context.header("Vary", "Prefer");
  return waitMs;
}
