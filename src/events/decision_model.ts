/**
 * Decisions under Dynamic Consistency Boundaries: read what matters, fold it, decide, and append
 * on the condition that nothing that matters happened meanwhile.
 *
 * @module
 */
import { AppendConditionError } from "./append_condition.ts";
import type {
  DomainEvent,
  EventInput,
  Position,
  StoredEvent,
} from "./event.ts";
import type { AppendResult, EventStore } from "./event_store.ts";
import { matchesQuery, type Query, type QueryItem } from "./query.ts";

/** What a decision depends on: which events, and what they add up to. */
export interface DecisionModel<State, E extends DomainEvent = DomainEvent> {
  /** The events that matter. */
  readonly query: Query;
  /** The state before any event. */
  readonly initial: State;
  /** The state after one more event. A pure function. */
  evolve(state: State, event: StoredEvent<E>): State;
}

/** How to decide. */
export interface DecideOptions {
  /** How often to try in all when others append in between. An integer from 1. @default {5} */
  readonly attemptsMax?: number;
  /** Gives up between attempts and while reading. */
  readonly signal?: AbortSignal;
}

/** What came of a decision. */
export interface DecideResult<State> {
  /** Where the events went, or `undefined` when the decision was to append nothing. */
  readonly appended: AppendResult | undefined;
  /** The state that the decision was taken on. */
  readonly state: State;
  /** Attempts it took, from 1. */
  readonly attempts: number;
}

/**
 * Combines decision models into one whose state has a field for each of them.
 *
 * @param models The models by name.
 * @returns A model over the union of their queries.
 *
 * @example
 * ```ts
 * import { composeDecisionModels, type DecisionModel } from "@opossum/deno";
 *
 * const exists = (tag: string): DecisionModel<boolean> => ({
 *   query: { items: [{ tags: [tag] }] },
 *   initial: false,
 *   evolve: () => true,
 * });
 * composeDecisionModels({ course: exists("courseId:1"), student: exists("studentId:2") });
 * ```
 */
export function composeDecisionModels<States extends Record<string, unknown>>(
  models: {
    readonly [Name in keyof States]: DecisionModel<States[Name], never>;
  },
): DecisionModel<States> {
  const entries = Object.entries(models) as [
    keyof States,
    DecisionModel<States[keyof States], DomainEvent>,
  ][];
  const items: QueryItem[] = [];
  for (const [, model] of entries) {
    items.push(...(model.query === "all" ? [{}] : model.query.items));
  }
  return {
    query: { items },
    initial: Object.fromEntries(
      entries.map(([name, model]) => [name, model.initial]),
    ) as States,
    evolve(state, event) {
      const next = { ...state };
      for (const [name, model] of entries) {
        if (matchesQuery(model.query, event)) {
          next[name] = model.evolve(next[name], event);
        }
      }
      return next;
    },
  };
}

/**
 * Reads the events of `model`, folds them, lets `decision` choose what to append, and appends it
 * on the condition that no further event of the model was recorded. On a conflict it starts over.
 *
 * @param store Where to read and append.
 * @param model What the decision depends on.
 * @param decision Chooses the events; throws to refuse. Runs once an attempt.
 * @param options How often to try, and when to give up.
 * @returns The state decided on and where the events went.
 * @throws {RangeError} If `attemptsMax` is not an integer from 1.
 * @throws {AppendConditionError} If every attempt met a conflict.
 *
 * @example
 * ```ts
 * import { decide } from "@opossum/deno";
 * import { MemoryEventStore } from "@opossum/deno/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MemoryEventStore();
 * const taken = {
 *   query: { items: [{ types: ["NameTaken"], tags: ["name:ada"] }] },
 *   initial: false,
 *   evolve: () => true,
 * };
 * const { appended } = await decide(store, taken, (isTaken) => {
 *   if (isTaken) throw new Error("The name is taken");
 *   return [{ type: "NameTaken", tags: ["name:ada"], data: {} }];
 * });
 * assertEquals(appended?.first, 1);
 * ```
 */
export async function decide<State, E extends DomainEvent>(
  store: EventStore,
  model: DecisionModel<State, E>,
  decision: (state: State) => readonly EventInput<DomainEvent>[],
  options: DecideOptions = {},
): Promise<DecideResult<State>> {
  const { attemptsMax = 5, signal } = options;
  if (!Number.isSafeInteger(attemptsMax) || attemptsMax < 1) {
    throw new RangeError(
      `Cannot decide as 'attemptsMax' must be an integer from 1: current value is ${attemptsMax}`,
    );
  }
  const withSignal = signal ? { signal } : {};
  for (let attempts = 1;; attempts++) {
    signal?.throwIfAborted();
    let state = model.initial;
    let after: Position = 0;
    for await (const event of store.read<E>(model.query, withSignal)) {
      state = model.evolve(state, event);
      after = event.position;
    }
    const events = decision(state);
    if (events.length === 0) return { appended: undefined, state, attempts };
    try {
      const condition = { failIfEventsMatch: model.query, after };
      const appended = await store.append(events, { condition, ...withSignal });
      return { appended, state, attempts };
    } catch (error) {
      if (!(error instanceof AppendConditionError) || attempts >= attemptsMax) {
        throw error;
      }
    }
  }
}
