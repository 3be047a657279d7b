/**
 * An append as it waits for the writer: encoded, but for the positions of its events.
 *
 * @module
 */
import type { AppendCondition } from "../events/append_condition.ts";
import type { AppendOptions } from "../events/event_store.ts";
import type { CheckedEvent } from "../events/validation.ts";
import { encodeEventRest, FRAME_PAYLOAD_BYTES_MAX } from "./format.ts";
import type { IndexEntry } from "./index_tail.ts";

/** An append that waits for its turn. */
export interface PendingAppend {
  /** Its events but for their positions: see `encodeEventRest()`. */
  readonly rests: readonly string[];
  /** What the index needs to know of them. */
  readonly entries: readonly IndexEntry[];
  readonly condition: AppendCondition | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Encodes an append at once: the caller may change the data while they wait.
 *
 * @param events Its events, checked.
 * @param options What it depends on.
 * @param now When events took place that do not say so themselves, as text.
 * @returns What the writer takes.
 * @throws {RangeError} If the data grew since it was checked.
 */
export function encodeAppend(
  events: readonly CheckedEvent[],
  { condition, signal }: AppendOptions,
  now: string,
): PendingAppend {
  const rests: string[] = [];
  const entries: IndexEntry[] = [];
  let length = 0;
  for (const event of events) {
    const { type, tags, id, timestamp } = event;
    const rest = encodeEventRest(
      event,
      id ?? crypto.randomUUID(),
      timestamp ?? now,
    );
    // Without the data, which may be large.
    entries.push({ type, tags });
    rests.push(rest);
    length += rest.length;
  }
  assertReadable(length);
  return { rests, entries, condition, signal };
}

/** Refuses what nobody could read again, which only data can be that changes with each look. */
function assertReadable(length: number): void {
  // A UTF-16 unit takes three bytes at most. What was checked stays far below.
  if (length * 3 <= FRAME_PAYLOAD_BYTES_MAX) return;
  throw new RangeError(
    `Cannot append as 'events' must not grow while they are read: current value is a text of ${length} characters`,
  );
}
