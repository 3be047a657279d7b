/**
 * The projection of `promote_kill_test.ts`.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";

type Paid = { type: "Paid"; data: { account: string; cents: number } };

/** What each account paid. */
export const totals: ProjectionDefinition<{ cents: number }, Paid> =
  defineProjection<{ cents: number }, Paid>({
    name: "Totals",
    version: 1,
    eventTypes: ["Paid"],
    key: ({ data }) => data.account,
    apply: (state, { data }) => ({ cents: (state?.cents ?? 0) + data.cents }),
  });
