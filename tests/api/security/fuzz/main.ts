/**
 * Fuzzes the sample's server at length: `deno task test:fuzz [--requests N] [--seed S]`. Fails
 * when an answer was not declared, something failed inside, or memory grew by more than a tenth.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const HEAP_GROWTH_MAX = 1.1;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    requests: { type: "string", default: "100000" },
    seed: { type: "string", default: `${Math.floor(Math.random() * 2 ** 32)}` },
  },
});
console.log(`Seed ${values.seed}`);
const { statuses, reached, routes, offences, heapBytes } = await fuzz({
  requests: Number(values.requests),
  seed: Number(values.seed),
  onProgress: (sent) => {
    if (sent % 10_000 === 0) console.log(`${sent} requests`);
  },
});
for (const [status, count] of [...statuses].sort(([a], [b]) => a - b)) {
  console.log(`  ${status === 0 ? "no answer" : status}: ${count}`);
}
console.log(`${reached.size} of ${routes.length} routes answered with success`);
for (const offence of offences) console.error(offence);
let failed = offences.length > 0;
if (heapBytes !== undefined) {
  const [before, after] = heapBytes;
  const growth = after / before;
  console.log(`Heap: ${before} bytes, then ${after}: ${growth.toFixed(3)}`);
  failed ||= growth > HEAP_GROWTH_MAX;
}
console.log(failed ? "FAILED" : "ok");
Deno.exit(failed ? 1 : 0);
