/**
 * Whether conditions are judged by all events that are there: the part of I4 that is left to the
 * index, which is derived, and which nothing else looks at.
 *
 * @module
 */
import {
  type AppendCondition,
  AppendConditionError,
  type EventStore,
  type Position,
  type StoredEvent,
} from "../../mod.ts";
import { fail } from "./invariant_error.ts";
import { Matches } from "./matches.ts";

/** Of tags and types each, so many are asked for: the first ones and the last ones. */
const ASKED_MAX = 6;

/**
 * Checks I4 of the events that are there: a condition against any of them is refused, and for the
 * right one.
 *
 * @param store The store. Nothing is written, unless a condition passes that must not.
 * @param events The whole log.
 * @throws {InvariantError} If a condition passes, or fails for another event.
 */
export async function checkConditions(
  store: EventStore,
  events: readonly StoredEvent[],
): Promise<void> {
  const matches = new Matches(events);
  const tags = ends(new Set(events.flatMap(({ tags }) => tags)));
  const types = ends(new Set(events.map(({ type }) => type)));
  const items = [
    ...tags.map((tag) => ({ tags: [tag] })),
    ...types.map((type) => ({ types: [type] })),
  ];
  await Promise.all(items.map(async (item) => {
    const failIfEventsMatch = { items: [item] };
    const first = matches.next(failIfEventsMatch, 0) ?? 0;
    const next = matches.next(failIfEventsMatch, first);
    await expectRefusal(store, { failIfEventsMatch }, first);
    // Where none follows, the condition holds: it is not tried, as that would write.
    if (next === undefined) return;
    await expectRefusal(store, { failIfEventsMatch, after: first }, next);
  }));
}

async function expectRefusal(
  store: EventStore,
  condition: AppendCondition,
  foundAt: Position,
): Promise<void> {
  const event = { type: "Refused", tags: [], data: {} };
  const asked = JSON.stringify(condition);
  try {
    await store.append([event], { condition });
  } catch (error) {
    if (!(error instanceof AppendConditionError)) throw error;
    const found = error.conflict.foundAt;
    if (found === foundAt) return;
    fail("I4", `${asked} was refused for ${found}: ${foundAt} is first`);
  }
  fail("I4", `an append on ${asked} was accepted although ${foundAt} matches`);
}

function ends(values: ReadonlySet<string>): string[] {
  const all = [...values];
  if (all.length <= ASKED_MAX) return all;
  const half = ASKED_MAX / 2;
  return [...all.slice(0, half), ...all.slice(-half)];
}
