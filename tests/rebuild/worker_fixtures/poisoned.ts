/**
 * Projections that fail in a worker, each in its own way, and one that does not.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";
import type { Counted } from "./counting.ts";

/** Never recorded. */
type Other = { type: "Other"; data: Counted["data"] };

function failing(
  name: string,
  fail: () => void,
): ProjectionDefinition<{ count: number }, Counted | Other> {
  return defineProjection({
    name,
    version: 1,
    eventTypes: ["Counted"],
    // Heavy by what it looks at, so that each is given a worker of its own.
    related: { eventTypes: ["Other"], tags: () => [] },
    key: ({ data }) => data.key,
    apply(state, { data }) {
      if (data.n === 10_000) fail();
      return { count: (state?.count ?? 0) + 1 };
    },
  });
}

/** Fails at an event. */
export const throwing = failing("Throwing", () => {
  throw new RangeError("Ten thousand is too much");
});

/** Fails later, and so takes its worker with it. */
export const crashing = failing("Crashing", () => {
  queueMicrotask(() => {
    throw new Error("Out of the blue");
  });
});

/** Shows no sign of life, for four seconds. */
export const hanging = failing("Hanging", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
});

/** Works. */
export const working = failing("Working", () => {});
