/**
 * Projections for tests of workers: sums, a history with related events, several keys, and one
 * whose key is not always the field that it seems to be.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";

/** Something was counted; `other` is the key of the late ones for one projection. */
export type Counted = {
  type: "Counted";
  data: { key: string; other: string; n: number };
};

/** A key got a name. */
export type Named = { type: "Named"; data: { key: string; name: string } };

/** Sums up. */
export const sums: ProjectionDefinition<{ sum: number }, Counted> =
  defineProjection({
    name: "Sums",
    version: 1,
    eventTypes: ["Counted"],
    key: ({ data }) => data.key,
    apply: (state, { data }) => ({ sum: (state?.sum ?? 0) + data.n }),
    tags: ({ sum }) => [`parity:${sum % 2}`],
  });

/** Lists what was counted, with the name that the key had at that time. */
export const histories: ProjectionDefinition<
  { entries: [number, string | null][] },
  Counted | Named
> = defineProjection({
  name: "Histories",
  version: 1,
  eventTypes: ["Counted"],
  key: ({ data }) => data.key,
  related: {
    eventTypes: ["Named"],
    tags: ({ data }) => [`key:${data.key}`],
  },
  apply(state, event, { related }) {
    const next = state ?? { entries: [] };
    const last = related.at(-1);
    const name = last?.type === "Named" ? last.data.name : null;
    next.entries.push([event.position, name]);
    return next;
  },
});

/** Counts under both keys at once, and deletes what reached ten. */
export const pairs: ProjectionDefinition<{ count: number }, Counted> =
  defineProjection({
    name: "Pairs",
    version: 1,
    eventTypes: ["Counted"],
    key: ({ data }) => [data.key, data.other],
    apply(state) {
      const count = (state?.count ?? 0) + 1;
      return count === 10 ? undefined : { count };
    },
  });

/** From this one on the key is another field. */
const KEY_CHANGES_AT = 15_000;

/** Looks as if its key were always `key`. */
export const turncoats: ProjectionDefinition<{ sum: number }, Counted> =
  defineProjection({
    name: "Turncoats",
    version: 1,
    eventTypes: ["Counted"],
    key: ({ data }) => data.n < KEY_CHANGES_AT ? data.key : data.other,
    apply: (state, { data }) => ({ sum: (state?.sum ?? 0) + data.n }),
  });
