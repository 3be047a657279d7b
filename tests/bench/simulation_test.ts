import { assert, assertEquals } from "@std/assert";
import { simulate } from "../../bench/support/simulation.ts";

/** A projection that took so long alone, on one processor. */
function part(name: string, duration: number) {
  return { name, duration, cpu: duration };
}

const PARTS = [part("a", 30), part("b", 70), part("c", 20), part("d", 60)];
const SCAN = { duration: 10, cpu: 10 };

Deno.test("simulate() gives the longest first to the worker with least to do", () => {
  const { workers, duration, isBoundByCores } = simulate(PARTS, SCAN, 2);
  assertEquals(workers, [["b", "c"], ["d", "a"]]);
  // A scan, and what each projection adds to it.
  assertEquals(duration, 10 + 50 + 20);
  assert(!isBoundByCores);
});

Deno.test("simulate() shares one scan on one core, and leaves cores idle when there are too many", () => {
  assertEquals(simulate(PARTS, SCAN, 1).duration, 10 + 20 + 60 + 10 + 50);
  const { workers, duration } = simulate(PARTS, SCAN, 8);
  assertEquals(workers.length, 4);
  assertEquals(duration, 70);
});

Deno.test("simulate() is never faster than the cores", () => {
  const busy = PARTS.map((part) => ({ ...part, cpu: 2 * part.duration }));
  const { duration, isBoundByCores } = simulate(busy, SCAN, 2);
  // Two scans, and what each projection adds to one, on two cores.
  assertEquals(duration, (2 * 10 + 50 + 130 + 30 + 110) / 2);
  assert(isBoundByCores);
});
