/**
 * Projections that use everything that may part one way of folding from another, as a module:
 * several keys, repeated keys and none, deletions, tags, related events by several tags, states
 * that are changed in place, and a state that is the event's own data.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";

/** Something was put under several keys; tagged with each of them. */
export type Put = {
  type: "Put";
  data: { keys: string[]; field: string; value: unknown };
};
/** Something was dropped; tagged with its key. */
export type Dropped = { type: "Dropped"; data: { key: string } };
/** One key was linked to another; not tagged. */
export type Linked = { type: "Linked"; data: { from: string; to: string } };
/** Nothing that any projection applies. */
export type Ignored = { type: "Ignored"; data: null };
/** Everything that happens. */
export type HostileEvent = Put | Dropped | Linked | Ignored;

/** The last value of each field. */
export const values: ProjectionDefinition<
  Record<string, unknown>,
  Put | Dropped
> = defineProjection({
  name: "Values",
  version: 1,
  eventTypes: ["Put", "Dropped"],
  // Keys may repeat, and there may be none.
  key: ({ data }) => "key" in data ? data.key : data.keys,
  apply: (state, event) =>
    event.type === "Dropped"
      ? undefined
      : { ...state, [event.data.field]: event.data.value },
  tags: (state) => Object.keys(state).map((field) => `field:${field}`),
});

/** A link, with what was known of both its ends. */
export interface Link {
  to: string;
  known: number[];
}

/** The links of a key, in one list that is changed in place. */
export const links: ProjectionDefinition<Link[], Put | Dropped | Linked> =
  defineProjection({
    name: "Links",
    version: 1,
    eventTypes: ["Linked", "Dropped"],
    key: ({ type, data }) => {
      if (type === "Dropped") return data.key;
      return type === "Linked" && data.from !== data.to ? data.from : null;
    },
    related: {
      eventTypes: ["Put", "Dropped"],
      tags: ({ type, data }) =>
        type === "Linked" ? [`key:${data.from}`, `key:${data.to}`] : [],
    },
    apply(state, { type, data }, { related }) {
      if (type !== "Linked") return null;
      const list = state ?? [];
      const known = related.map(({ position }) => position);
      list.push({ to: data.to, known });
      return list;
    },
    tags: (list, key) => [`from:${key}`, `count:${list.length}`],
  });

/** Counts everything in one document that comes and goes. */
export const tally: ProjectionDefinition<
  { count: number; types: string[] },
  HostileEvent
> = defineProjection({
  name: "Tally",
  version: 1,
  eventTypes: ["Put", "Dropped", "Linked"],
  key: () => "all",
  apply(before, { type }) {
    const state = before ?? { count: 0, types: [] };
    state.count++;
    state.types.push(type);
    return state.count % 7 === 0 ? undefined : state;
  },
});

/** An event's own data, by each of its keys, and how often it was followed by another. */
export const echo: ProjectionDefinition<
  { keys: string[]; times?: number },
  Put
> = defineProjection({
  name: "Echo",
  version: 1,
  eventTypes: ["Put"],
  key: ({ data }) => data.keys,
  apply(state, { data }) {
    if (!state || (state.times ?? 0) >= 3) return data;
    state.times = (state.times ?? 0) + 1;
    return state;
  },
});
