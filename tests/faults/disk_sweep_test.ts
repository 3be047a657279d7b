import { assert } from "@std/assert";
import type { Fault } from "../../src/testing/mod.ts";
import {
  CODES,
  countOperations,
  prepare,
  SCENARIOS,
  strike,
} from "./disk_sweep.ts";

/**
 * `task test` strikes a few operations, `task test:faults:disk` each of them with one code
 * (`"all"`), or with every code (`"every"`, four times as long).
 */
const extent = Deno.env.get("OPOSSUM_TEST_DISK");
const isFull = extent === "all" || extent === "every";
const STRIKES = 4;

for (const scenario of SCENARIOS) {
  Deno.test(`a disk that fails while ${scenario.name} loses nothing, and the store goes on`, async () => {
    using template = await prepare(scenario);
    const count = await countOperations(scenario, template);
    assert(count > STRIKES, `only ${count} operations`);
    const stride = isFull ? 1 : Math.ceil(count / STRIKES);
    let cases = 0;
    for (let nth = 1; nth <= count; nth += stride) {
      for (const fault of faultsAt(nth)) {
        try {
          await strike(scenario, template, fault);
          cases++;
        } catch (error) {
          throw new Error(`With ${JSON.stringify(fault)}: ${error}`, {
            cause: error,
          });
        }
      }
    }
    if (isFull) {
      const text = `${scenario.name}: ${count} operations, ${cases} faults\n`;
      Deno.stderr.writeSync(new TextEncoder().encode(text));
    }
  });
}

function faultsAt(nth: number): Fault[] {
  const code = CODES[nth % CODES.length] ?? "EIO";
  // A disk that fails once, and one that does not come back until it is repaired.
  if (!isFull) return [{ nth, code, times: nth % 2 ? 1 : 1_000_000 }];
  const codes = extent === "every" ? CODES : [code];
  return codes.flatMap((code) => [
    { nth, code },
    { nth, code, times: 1_000_000 },
    { nth, code, bytesTaken: 7 },
  ]);
}
