/**
 * Plays rounds of several processes on one folder until the time is up:
 * `main.ts [--seconds N] [--processes N] [--operations N] [--seed N]`. Ends with status 1 at the
 * first violation, and leaves the folder behind then.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { playRound, type RoundReport } from "./round.ts";

const { values } = parseArgs({
  args: Deno.args.filter((arg) => arg !== "--"),
  options: {
    seconds: { type: "string", default: "60" },
    processes: { type: "string", default: "8" },
    operations: { type: "string", default: "6000" },
    seed: { type: "string" },
  },
});

const COUNTED = [
  "operations",
  "appended",
  "refused",
  "unanswered",
  "reads",
  "staleReads",
  "kills",
  "stops",
  "events",
] as const;

async function run(): Promise<number> {
  const untilMs = performance.now() + Number(values.seconds) * 1_000;
  let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const totals = { rounds: 0, ...zeroes() };
  do {
    const path = Deno.makeTempDirSync({ prefix: "opossum_processes_" });
    say(`Round ${totals.rounds + 1}, seed ${seed}, ${path}`);
    const { violations, ...report } = await playRound({
      path,
      seed,
      processes: Number(values.processes),
      operations: Number(values.operations),
      disturbedEvery: 200,
    });
    if (violations.length > 0) {
      say([...violations.slice(0, 20), `${violations.length} violations`]
        .join("\n"));
      return 1;
    }
    Deno.removeSync(path, { recursive: true });
    totals.rounds++;
    for (const key of COUNTED) totals[key] += report[key];
    seed++;
  } while (performance.now() < untilMs);
  say(JSON.stringify({ ...totals, violations: 0 }));
  return 0;
}

function zeroes(): Omit<RoundReport, "violations"> {
  return {
    operations: 0,
    appended: 0,
    refused: 0,
    unanswered: 0,
    reads: 0,
    staleReads: 0,
    kills: 0,
    stops: 0,
    events: 0,
  };
}

function say(text: string): void {
  // deno-lint-ignore no-console -- its only output
  console.log(text);
}

if (import.meta.main) Deno.exit(await run());
