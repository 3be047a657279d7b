/**
 * Folds a projection by what its definition promises and nothing else: no store, no cache.
 *
 * @module
 */
import {
  type DomainEvent,
  type EventInput,
  matchesQuery,
  type ProjectionDefinition,
  type StoredEvent,
} from "@opossum/deno";

/** The documents by key after the whole log. States are stored as JSON after every event. */
export function foldDefinition(
  definition: ProjectionDefinition,
  log: readonly EventInput<DomainEvent>[],
): Map<string, unknown> {
  const { eventTypes, key: keyOf, apply, related } = definition;
  const events: StoredEvent[] = log.map((event, index) => ({
    id: "",
    timestamp: "",
    tags: [],
    ...event,
    position: index + 1,
  }));
  const documents = new Map<string, string>();
  for (const event of events) {
    if (!eventTypes.includes(event.type)) continue;
    const tags = related?.tags(event) ?? [];
    const items = tags.map((tag) => ({
      tags: [tag],
      ...(related ? { types: related.eventTypes } : {}),
    }));
    const context = events.slice(0, event.position - 1)
      .filter((earlier) => matchesQuery({ items }, earlier));
    for (const key of [keyOf(event) ?? []].flat()) {
      const before = documents.get(key);
      const after = apply(
        before === undefined ? undefined : JSON.parse(before),
        event,
        { key, related: context },
      );
      if (after === undefined || after === null) documents.delete(key);
      else documents.set(key, JSON.stringify(after));
    }
  }
  return new Map(
    [...documents].map(([key, text]) => [key, JSON.parse(text)]),
  );
}
