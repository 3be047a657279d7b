/**
 * The projections of `traced_server.ts`: one that works, one that fails, and one that can be held.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";

/** Something was counted. */
export type Counted = {
  type: "Counted";
  tags: readonly string[];
  data: { key: string; secret: string };
};

/** Names the file that holds `Held` as long as it is there. */
export const GATE = "OPOSSUM_TEST_GATE";

/** Where `Held` is held, and `Broken` fails. */
export const PLACE = 15_000;

function counting(
  name: string,
  meet: (secret: string) => void,
): ProjectionDefinition<{ count: number }, Counted> {
  return defineProjection({
    name,
    version: 3,
    eventTypes: ["Counted"],
    key: ({ data }) => data.key,
    apply(state, { data, position }) {
      if (position === PLACE) meet(data.secret);
      return { count: (state?.count ?? 0) + 1 };
    },
    tags: ({ count }) => [`canary-tag:${count % 2}`],
  });
}

/** Works. */
export const fine = counting("Fine", () => {});

/** Fails, and tells too much of why. */
export const broken = counting("Broken", (secret) => {
  throw new RangeError(`This will not do: ${secret}`);
});

/** Waits while the file is there. */
export const held = counting("Held", () => {
  const gate = Deno.env.get(GATE) ?? "";
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (isThere(gate)) Atomics.wait(nothing, 0, 0, 10);
});

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
