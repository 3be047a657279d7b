/**
 * A projection that tells when it has applied half of its events.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "../../mod.ts";
import type { Counted } from "../support/course_fixture.ts";

/** How many events there are. */
export const EVENTS = 40;

/** Opens at the middle. */
export const gate: PromiseWithResolvers<void> = Promise.withResolvers<void>();

/** The projection. */
export const projections: readonly ProjectionDefinition[] = [
  defineProjection<{ sum: number }, Counted>({
    name: "Sums",
    version: 1,
    fingerprint: "fixed",
    eventTypes: ["Counted"],
    key: ({ data }) => data.key,
    apply: (state, { position, data }) => {
      if (position === EVENTS / 2) gate.resolve();
      return { sum: (state?.sum ?? 0) + data.by };
    },
  }),
];
