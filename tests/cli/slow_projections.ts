/**
 * A projection whose code takes long, so that a rebuild can be stopped in the middle.
 *
 * @module
 */
import { countingProjection } from "../support/course_fixture.ts";

/** Milliseconds that each event takes. */
const EVENT_MS = 0.5;

/** What the command line loads. */
export const projections = [
  countingProjection("Slow", {
    apply: (state, event) => {
      const endMs = performance.now() + EVENT_MS;
      while (performance.now() < endMs);
      return { sum: (state?.sum ?? 0) + event.data.by };
    },
  }),
];
