/**
 * Queries: which events are meant, by type and tag, as Dynamic Consistency Boundaries define
 * them (https://dcb.events/specification).
 *
 * @module
 */
import type { Tag } from "./event.ts";

/**
 * One alternative of a {@linkcode Query}: an event matches when its type is **any** of `types`
 * and it bears **all** of `tags`. A missing or empty list does not restrict.
 */
export interface QueryItem {
  /** The event's type is any of these. @default {every type} */
  readonly types?: readonly string[];
  /** The event bears all of these tags. @default {no tag required} */
  readonly tags?: readonly Tag[];
}

/**
 * Which events: those that match **any** of the items. The text `"all"` means every event; a
 * query without items matches none.
 */
export type Query = "all" | { readonly items: readonly QueryItem[] };

/**
 * Whether an event is one of those that `query` asks for.
 *
 * @param query The query.
 * @param event The event's type and tags.
 * @returns `true` when any item of the query matches.
 *
 * @example
 * ```ts
 * import { matchesQuery } from "@opossum/deno";
 * import { assert } from "@std/assert";
 *
 * const query = { items: [{ types: ["CourseCreated"], tags: ["courseId:42"] }] };
 * assert(matchesQuery(query, { type: "CourseCreated", tags: ["courseId:42"] }));
 * ```
 */
export function matchesQuery(
  query: Query,
  event: { readonly type: string; readonly tags: readonly Tag[] },
): boolean {
  if (query === "all") return true;
  return query.items.some(({ types, tags }) =>
    (!types?.length || types.includes(event.type)) &&
    (!tags?.length || tags.every((tag) => event.tags.includes(tag)))
  );
}
