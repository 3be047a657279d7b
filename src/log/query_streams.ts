/**
 * A query as the index sees it: intersections of types and tags.
 *
 * @module
 */
import type { Tag } from "../events/event.ts";
import type { Query } from "../events/query.ts";

/** The events that have this type, if one is given, and all of these tags. Never neither. */
export interface Stream {
  /** The type; `undefined` for any. */
  readonly type: string | undefined;
  /** The tags, without repetition. */
  readonly tags: readonly Tag[];
}

/**
 * Takes a query apart into streams: an event matches when it is in any of them.
 *
 * @param query The query.
 * @returns The streams, or `"all"` when every event matches.
 */
export function toStreams(query: Query): readonly Stream[] | "all" {
  if (query === "all") return "all";
  const streams: Stream[] = [];
  for (const item of query.items) {
    const tags = [...new Set(item.tags)];
    if (item.types?.length) {
      for (const type of new Set(item.types)) streams.push({ type, tags });
    } else if (tags.length > 0) {
      streams.push({ type: undefined, tags });
    } else {
      return "all";
    }
  }
  return streams;
}

/** The events that have one of these types, if any are given, and all of these tags. Never neither. */
export interface Criterion {
  /** The types, without repetition; none for any. */
  readonly types: readonly string[];
  /** The tags, without repetition. */
  readonly tags: readonly Tag[];
}

/**
 * Takes a query apart into criteria: an event matches when it meets any of them.
 *
 * @param query The query.
 * @returns The criteria, or `"all"` when every event matches.
 */
export function toCriteria(query: Query): readonly Criterion[] | "all" {
  if (query === "all") return "all";
  const criteria: Criterion[] = [];
  for (const { types = [], tags = [] } of query.items) {
    if (types.length === 0 && tags.length === 0) return "all";
    criteria.push({ types: [...new Set(types)], tags: [...new Set(tags)] });
  }
  return criteria;
}

/**
 * The types that a matching event can have.
 *
 * @param query The query.
 * @returns The types, and whether having one of them is enough; `undefined` for any type.
 */
export function typesOf(
  query: Query,
):
  | { readonly types: ReadonlySet<string>; readonly suffices: boolean }
  | undefined {
  if (query === "all") return undefined;
  const types = new Set<string>();
  let suffices = true;
  for (const item of query.items) {
    if (!item.types?.length) return undefined;
    for (const type of item.types) types.add(type);
    if (item.tags?.length) suffices = false;
  }
  return { types, suffices };
}
