/**
 * Projections whose code ends the process on certain events, and one that has nothing to do with
 * them.
 *
 * @module
 */
import { defineProjection, type ProjectionDefinition } from "@opossum/deno";

/** Something happened. */
export type Happened = {
  type: "Happened";
  data: { key: string; how: "well" | "loop" | "grow" };
};

/** Never returns. */
function loop(): void {
  for (;;);
}

/** Takes all memory, but not before the watchdog has taken note. */
function grow(): void {
  const suspect = Deno.env.get("OPOSSUM_TEST_SUSPECT") ?? "";
  while (!exists(suspect));
  const kept: number[][] = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length));
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
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
    if (how === "loop") loop();
    if (how === "grow") grow();
  });

/** Works. */
export const sound: ProjectionDefinition<{ count: number }, Happened> =
  counting("Sound", () => {});
