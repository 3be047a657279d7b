/**
 * Several processes on one folder, for as long as one likes. Three parts, each on folders of its
 * own: appenders for `--seconds`, then daemons that are disturbed `--daemons` times, then
 * `--races` rebuilds by two at once under `--reads` reads. Ends with status 1 at the first
 * violation, and leaves the folder behind then. `--seed` repeats a run, as far as the speed of
 * processes can be repeated.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { playRound, type RoundReport } from "./round.ts";
import { disturbDaemons, raceRebuilds } from "./store_rounds.ts";

const { values } = parseArgs({
  args: Deno.args.filter((arg) => arg !== "--"),
  options: {
    seconds: { type: "string", default: "60" },
    processes: { type: "string", default: "8" },
    operations: { type: "string", default: "6000" },
    daemons: { type: "string", default: "200" },
    races: { type: "string", default: "100" },
    reads: { type: "string", default: "100000" },
    seed: { type: "string" },
  },
});

/** Daemons are disturbed so many times in one folder. */
const DISTURBANCES_A_ROUND = 40;
/** How many violations are printed. */
const SHOWN_MAX = 20;

type Counts = Readonly<Record<string, number>>;

/** What came of a round: counts, and what went wrong. */
interface Outcome {
  readonly counts: Counts;
  readonly violations: readonly string[];
}

/** Plays one round on a fresh folder. */
async function play(
  name: string,
  seed: number,
  round: (path: string) => Promise<{ readonly violations: readonly string[] }>,
): Promise<Outcome> {
  const path = Deno.makeTempDirSync({ prefix: "opossum_processes_" });
  say(`${name}, seed ${seed}, ${path}`);
  const { violations, ...counts } = await round(path);
  if (violations.length === 0) Deno.removeSync(path, { recursive: true });
  return { counts: counts as unknown as Counts, violations };
}

/** Adds up; of what is called `…Max` the greatest counts. */
function add(totals: Record<string, number>, counts: Counts): void {
  for (const [key, value] of Object.entries(counts)) {
    const before = totals[key] ?? 0;
    totals[key] = key.endsWith("Max")
      ? Math.round(Math.max(before, value))
      : before + value;
  }
}

async function* rounds(start: number): AsyncGenerator<[string, Outcome]> {
  let seed = start;
  const untilMs = performance.now() + Number(values.seconds) * 1_000;
  while (performance.now() < untilMs) {
    yield [
      "appenders",
      await play("Appenders", seed, (path): Promise<RoundReport> =>
        playRound({
          path,
          seed,
          processes: Number(values.processes),
          operations: Number(values.operations),
          disturbedEvery: 200,
        })),
    ];
    seed++;
  }
  for (let left = Number(values.daemons); left > 0;) {
    const times = Math.min(left, DISTURBANCES_A_ROUND);
    yield [
      "daemons",
      await play(
        "Daemons",
        seed,
        (path) => disturbDaemons({ path, seed, times }),
      ),
    ];
    left -= times;
    seed++;
  }
  const [times, reads] = [Number(values.races), Number(values.reads)];
  if (times === 0) return;
  yield [
    "rebuilds",
    await play(
      "Rebuilds",
      seed,
      (path) => raceRebuilds({ path, seed, times, reads }),
    ),
  ];
}

async function run(): Promise<number> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const totals: Record<string, Record<string, number>> = {};
  for await (const [part, { counts, violations }] of rounds(seed)) {
    if (violations.length > 0) {
      const shown = violations.slice(0, SHOWN_MAX).join("\n");
      say(`${shown}\n${violations.length} violations`);
      return 1;
    }
    add(totals[part] ??= { rounds: 0 }, { rounds: 1, ...counts });
  }
  say(JSON.stringify({ ...totals, violations: 0 }, undefined, 1));
  return 0;
}

function say(text: string): void {
  // deno-lint-ignore no-console -- its only output
  console.log(text);
}

if (import.meta.main) Deno.exit(await run());
