/**
 * A query as the index sees it: terms and their intersections.
 *
 * @module
 */
import type { Tag } from "../events/event.ts";
import type { Query } from "../events/query.ts";

/** What the index is keyed by: a type or a tag, told apart by a prefix. */
export type Term = string;

/** The positions that all of these terms have in common. */
export type Stream = readonly Term[];

/** The term of an event type. */
export function typeTerm(type: string): Term {
  return `t${type}`;
}

/** The term of a tag. */
export function tagTerm(tag: Tag): Term {
  return `g${tag}`;
}

/**
 * Takes a query apart into streams: an event matches when its position is in any of them.
 *
 * @param query The query.
 * @returns The streams, or `"all"` when every event matches.
 */
export function toStreams(query: Query): readonly Stream[] | "all" {
  if (query === "all") return "all";
  const streams: Stream[] = [];
  for (const { types = [], tags = [] } of query.items) {
    const required = [...new Set(tags)].map(tagTerm);
    if (types.length > 0) {
      for (const type of new Set(types)) {
        streams.push([typeTerm(type), ...required]);
      }
    } else if (required.length > 0) {
      streams.push(required);
    } else {
      return "all";
    }
  }
  return streams;
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
