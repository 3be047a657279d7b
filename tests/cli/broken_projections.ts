/**
 * A projection whose code fails.
 *
 * @module
 */
import { countingProjection } from "../support/course_fixture.ts";

/** What the command line loads. */
export const projections = [
  countingProjection("Broken", {
    apply: () => {
      throw new RangeError("Out of cheese");
    },
  }),
];
