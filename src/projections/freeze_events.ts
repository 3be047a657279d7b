/**
 * Makes events unchangeable before they are handed to definitions.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";

/**
 * Freezes events deeply: they are handed to several projections, and a document that keeps a
 * part of one must not change it for the others.
 *
 * @param events The events.
 */
export function freezeEvents(events: readonly StoredEvent[]): void {
  for (const event of events) {
    if (Object.isFrozen(event)) continue;
    Object.freeze(event.tags);
    freezeDeeply(event.data);
    Object.freeze(event);
  }
}

/** On the hot path: no list of the values, which would be garbage for each of a million events. */
function freezeDeeply(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  // deno-lint-ignore guard-for-in -- parsed from JSON: its prototype has nothing to list
  for (const name in value) freezeDeeply((value as Json)[name]);
  Object.freeze(value);
}

type Json = Readonly<Record<string, unknown>>;
