/**
 * The plain fold: what a projection's documents are, by what its definition promises and nothing
 * else. No store, no cache, no batches: what every other way of folding is compared with.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../../events/event.ts";
import type { ProjectionDefinition } from "../../projections/definition.ts";
import type { DefinitionMethod } from "./report.ts";

/** One call of `apply`: an event, one of its keys, and the related events at that time. */
export interface Step {
  readonly event: StoredEvent;
  readonly key: string;
  /** A list of its own with each call: `apply` may do with it what it likes. */
  readonly related: () => StoredEvent[];
}

/** Calls a function of the definition; for those who want to watch it. */
export type Ask = <T>(
  method: Exclude<DefinitionMethod, "apply">,
  event: StoredEvent,
  action: () => T,
) => T;

/** Where to begin, and how to call the definition. */
export interface StepOptions {
  /** Events up to this position are only kept as related ones. @default {0} */
  readonly after?: Position;
  /** Calls a function of the definition. @default {just calls it} */
  readonly ask?: Ask;
}

/** JSON texts of documents, by key. */
export type Documents = ReadonlyMap<string, string>;

/**
 * The calls of `apply` that the events lead to, in order.
 *
 * @param definition The projection.
 * @param events The events from position 1, frozen.
 * @param options Where to begin, and how to call the definition.
 * @returns The calls, each made out only when it is taken.
 */
export function* steps(
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
  { after = 0, ask = (_method, _event, action) => action() }: StepOptions = {},
): Generator<Step> {
  const types = new Set(definition.eventTypes);
  const relatedTypes = new Set(definition.related?.eventTypes);
  const kept = new Map<Tag, StoredEvent[]>();
  for (const event of events) {
    if (event.position > after && types.has(event.type)) {
      const keys = toKeys(ask("key", event, () => definition.key(event)));
      const tags = keys.length === 0 ? [] : ask(
        "related.tags",
        event,
        () => definition.related?.tags(event) ?? [],
      );
      // Also when it was kept by several of the tags, an event comes once.
      const byPosition = new Map(
        tags.flatMap((tag) => kept.get(tag) ?? [])
          .map((earlier) => [earlier.position, earlier]),
      );
      const related = () =>
        [...byPosition.values()].sort((a, b) => a.position - b.position);
      for (const key of keys) yield { event, key, related };
    }
    // After it was applied: an event is never related to itself.
    if (!relatedTypes.has(event.type)) continue;
    for (const tag of event.tags) {
      const list = kept.get(tag);
      if (list) list.push(event);
      else kept.set(tag, [event]);
    }
  }
}

/**
 * Folds the events that follow `after`, storing each document as text after each event.
 *
 * @param definition The projection.
 * @param events The events from position 1, frozen.
 * @param after The position that `before` has. @default {0}
 * @param before The documents at that position. @default {none}
 * @returns The documents after the last event.
 */
export function plainFold(
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
  after: Position = 0,
  before: Documents = new Map(),
): Documents {
  const documents = new Map(before);
  for (const { event, key, related } of steps(definition, events, { after })) {
    const text = documents.get(key);
    const state = text === undefined ? undefined : JSON.parse(text);
    const result = definition.apply(state, event, { key, related: related() });
    const next = toText(result);
    if (next === undefined) documents.delete(key);
    else documents.set(key, next);
  }
  return documents;
}

/**
 * A state as it is stored.
 *
 * @param state What `apply` returned.
 * @returns Its JSON text, or `undefined` for "no document".
 * @throws {TypeError} If it cannot be stored at all.
 */
export function toText(state: unknown): string | undefined {
  if (state === undefined || state === null) return undefined;
  if (state instanceof Promise) {
    state.catch(() => {});
    throw new TypeError("It must be synchronous: it returned a promise");
  }
  const text: string | undefined = JSON.stringify(state);
  if (text === undefined) {
    throw new TypeError(`A state must be JSON data: it is a ${typeof state}`);
  }
  return text;
}

function toKeys(keys: unknown): string[] {
  if (keys === undefined || keys === null) return [];
  return [...new Set(Array.isArray(keys) ? keys : [keys])];
}
