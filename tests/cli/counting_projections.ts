/**
 * Projections to be loaded by the command line.
 *
 * @module
 */
import { countingProjection } from "../support/course_fixture.ts";

/** What happens when an event is applied; tests put something in. */
export const hooks: { onApply?: ((by: number) => void) | undefined } = {};

/** Two projections, in an array. */
export const projections = ["Alpha", "Beta"].map((name) =>
  countingProjection(name, {
    fingerprint: name,
    apply(state, event) {
      if (name === "Beta") hooks.onApply?.(event.data.by);
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  })
);
