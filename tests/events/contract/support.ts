/**
 * What the parts of the contract share: opening, collecting, random events and queries, and the
 * oracle that reads are compared with.
 *
 * @module
 */
import fc from "fast-check";
import type {
  DomainEvent,
  EventInput,
  EventStore,
  Query,
  QueryItem,
  ReadOptions,
  StoredEvent,
} from "../../../mod.ts";

/** A store under test. */
export type OpenedStore = { readonly store: EventStore } & AsyncDisposable;

/** Opens an empty store. */
export type OpenStore = () => Promise<OpenedStore>;

/** Collects what an iterable yields. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}

/** Reads and returns the positions alone. */
export async function positions(
  store: EventStore,
  query: Query,
  options: ReadOptions = {},
): Promise<number[]> {
  const events = await collect(store.read(query, options));
  return events.map(({ position }) => position);
}

/** An event with the given type and tags, told from others by `n`. */
export function event(type: string, tags: string[] = [], n = 0): EventInput {
  return { type, tags, data: { n } };
}

/** Events of one type, numbered from 1. */
export function numbered(count: number, type = "Counted"): EventInput[] {
  return Array.from({ length: count }, (_, i) => event(type, [], i + 1));
}

const TYPES = ["A", "B", "C", "D"];
const TAGS = ["t:1", "t:2", "u:1", "u:2"];

/** Events of few types and tags, so that queries find some of them. */
export const eventArbitrary: fc.Arbitrary<EventInput> = fc.record({
  type: fc.constantFrom(...TYPES),
  tags: fc.subarray(TAGS),
  data: fc.record({ n: fc.nat() }),
});

const itemArbitrary: fc.Arbitrary<QueryItem> = fc.record(
  {
    types: fc.subarray([...TYPES, "Unknown"]),
    tags: fc.subarray([...TAGS, "unknown:1"]),
  },
  { requiredKeys: [] },
);

/** Queries over the types and tags of {@linkcode eventArbitrary}. */
export const queryArbitrary: fc.Arbitrary<Query> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Query>("all") },
  {
    weight: 6,
    arbitrary: fc.record({ items: fc.array(itemArbitrary, { maxLength: 3 }) }),
  },
);

/** Whether an event is asked for; written unlike `matchesQuery`, on purpose. */
export function isAskedFor(
  query: Query,
  { type, tags }: { readonly type: string; readonly tags: readonly string[] },
): boolean {
  if (query === "all") return true;
  const borne = new Set(tags);
  for (const item of query.items) {
    const types = new Set(item.types ?? []);
    if (types.size > 0 && !types.has(type)) continue;
    if (new Set(item.tags ?? []).isSubsetOf(borne)) return true;
  }
  return false;
}

/** What a read of `log` must yield. */
export function expectedRead<E extends DomainEvent>(
  log: readonly StoredEvent<E>[],
  query: Query,
  { after, limit = Infinity, backwards = false }: ReadOptions,
): StoredEvent<E>[] {
  const inBounds = log.filter(({ position }) =>
    backwards ? position < (after ?? Infinity) : position > (after ?? 0)
  );
  const asked = inBounds.filter((logged) => isAskedFor(query, logged));
  if (backwards) asked.reverse();
  return asked.slice(0, limit);
}

/** Appends batches one after the other, then reads the whole log. */
export async function fill(
  store: EventStore,
  batches: readonly (readonly EventInput[])[],
): Promise<StoredEvent[]> {
  for (const batch of batches) await store.append(batch);
  return await collect(store.read("all"));
}
