/**
 * A module whose projection remembers outside of its documents: right as long as the process
 * lives, wrong after a restart.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";
import type { Placed } from "./determinism_fixture.ts";

const firstArticles = new Map<string, string>();

/** The first article that each customer ordered; wrong. */
export const remembering: ProjectionDefinition<
  { first: string | null; orders: number },
  Placed
> = defineProjection({
  name: "Remembering",
  version: 1,
  eventTypes: ["Placed"],
  key: ({ data }) => data.customer,
  apply(state, { data: { customer, lines } }) {
    if (!state && lines[0]) firstArticles.set(customer, lines[0].article);
    const first = firstArticles.get(customer) ?? null;
    return { first, orders: (state?.orders ?? 0) + 1 };
  },
});
