/**
 * Decisions that record exactly one event, or refuse.
 *
 * @module
 */
import {
  decide,
  type DecideOptions,
  type DecisionModel,
  type DomainEvent,
  type EventInput,
  type EventStore,
  type Position,
} from "@opossum/deno";

/**
 * Takes a decision that records one event.
 *
 * @param store Where to record it.
 * @param model What the decision depends on.
 * @param decision Makes the event, or throws to refuse.
 * @param options How often to try, and when to give up.
 * @returns The position of the event.
 */
export async function record<State, E extends DomainEvent>(
  store: EventStore,
  model: DecisionModel<State, E>,
  decision: (state: State) => EventInput<DomainEvent>,
  options: DecideOptions = {},
): Promise<Position> {
  const { appended } = await decide(
    store,
    model,
    (state) => [decision(state)],
    options,
  );
  // Only a decision without events leaves nothing appended.
  if (appended === undefined) throw new TypeError("Cannot record no event");
  return appended.last;
}
