/**
 * Projections whose code ends the process on certain events, and one that has nothing to do with
 * them. A file beside the data tells the code to behave: the definitions stay the same.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";

/** Something happened. */
export type Happened = {
  type: "Happened";
  data: { key: string; how: "well" | "loop" | "grow" };
};

const isMended = () => Deno.env.get("OPOSSUM_TEST_MENDED") === "yes";

/** Never returns. */
function loop(): void {
  for (;;);
}

/** Takes all memory, slowly enough to be seen. */
function grow(): void {
  const kept: number[][] = [];
  for (;;) {
    kept.push(new Array(100_000).fill(kept.length));
    const untilMs = performance.now() + 5;
    while (performance.now() < untilMs);
  }
}

function counting(
  name: string,
  act: (how: Happened["data"]["how"]) => void,
): ProjectionDefinition<{ count: number }, Happened> {
  return defineProjection<{ count: number }, Happened>({
    name,
    version: 1,
    eventTypes: ["Happened"],
    key: ({ data }) => data.key,
    apply(state, { data }) {
      act(data.how);
      return { count: (state?.count ?? 0) + 1 };
    },
  });
}

/** Loops, or takes all memory, when an event says so. */
export const poisoned: ProjectionDefinition<{ count: number }, Happened> =
  counting("Poisoned", (how) => {
    if (isMended()) return;
    if (how === "loop") loop();
    if (how === "grow") grow();
  });

/** Works. */
export const sound: ProjectionDefinition<{ count: number }, Happened> =
  counting("Sound", () => {});
