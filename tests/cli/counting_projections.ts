/**
 * Projections to be loaded by the command line.
 *
 * @module
 */
import { countingProjection } from "../support/course_fixture.ts";

/** What happens when an event is applied; tests put something in. */
export const hooks: {
  onApply?: ((by: number) => void) | undefined;
  /** By what sums of `Beta` are multiplied: its code, as it were. */
  factor?: number | undefined;
} = {};

/** Two projections, in an array. */
export const projections = ["Alpha", "Beta"].map((name) =>
  countingProjection(name, {
    fingerprint: name,
    apply(state, event) {
      if (name === "Beta") hooks.onApply?.(event.data.by);
      const factor = name === "Beta" ? hooks.factor ?? 1 : 1;
      return { sum: (state?.sum ?? 0) + event.data.by * factor };
    },
  })
);
