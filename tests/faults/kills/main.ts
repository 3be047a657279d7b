/**
 * Kills programs at every call by which they change their data folder, in all their threads and
 * in SQLite: `deno task test:faults:kills [--kills N] [--errors N] [--failed-kills N] [--terminations N]
 * [--seed S]`. Then lets such calls fail, kills programs soon after one failed, and stops servers by
 * SIGTERM. Needs `cc` and glibc.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { EVENTS_FOR_WORKERS, makeLog } from "./make_log.ts";
import { compileShim, NoShimError } from "./shim.ts";
import { type Scenario, sweep } from "./sweep.ts";
import { Tally } from "./tally.ts";
import { terminateServer } from "./termination.ts";
import { SeededRandom } from "../../../examples/course_management/seeding/random.ts";
import type { FaultKind, Phase } from "./messages.ts";
import type { Disturber } from "./victim.ts";

const LANES = 2;
/** Servers are stopped so many times on a folder. */
const ROUNDS_A_FOLDER = 10;
/** A server is stopped when it answered so many appends, at most. */
const ANSWERS_MAX = 100;
/** With so many kills each of {@linkcode STRUCK} must be among them. */
const KILLS_FOR_ALL = 1_000;
/** What a program that keeps its promises asks of the system. */
const STRUCK: readonly string[] = [
  "write events/*.ndjson",
  "fdatasync events/*.ndjson",
  "fsync events",
  "fsync projections/*",
  "fsync operations",
  // Of a repair: documents are folded aside, and others are told to let go of theirs.
  "write projections/*/*.scratch.tmp",
  "rename projections/*/current.json",
];
const KILLS: readonly FaultKind[] = ["before", "half", "after"];
const ERRORS: readonly FaultKind[] = ["EIO", "ENOSPC", "EDQUOT"];
/** A program whose call failed is killed before one of the next so many, if at all. */
const KILL_WITHIN = 5;

interface Course {
  readonly title: string;
  readonly runs: number;
  readonly seed: number;
  readonly directory: string;
  readonly disturber: Disturber;
  readonly scenarios: readonly Scenario[];
}

/** Disturbs so many runs, and prints what it came to. */
async function runCourse(
  { title, runs, seed, directory, disturber, scenarios }: Course,
): Promise<void> {
  const tally = new Tally();
  let begun = 0;
  let struck = 0;
  let undisturbed = 0;
  let acknowledged = 0;
  const startMs = performance.now();
  await Promise.all(Array.from({ length: LANES }, (_, lane) =>
    sweep({
      disturber,
      directory,
      scenarios,
      seed,
      lane,
      lanes: LANES,
      begin: () => begun - undisturbed < runs && ++begun > 0,
      onRun: ({ name }, report) => {
        tally.addRun(name, report);
        if (report.strike) struck++;
        else undisturbed++;
      },
      onFolder: (history) => acknowledged += history.acknowledged,
    })));
  const missing = runs < KILLS_FOR_ALL || scenarios[0]?.kinds !== KILLS
    ? []
    : tally.missing(STRUCK);
  if (missing.length > 0) {
    throw new Error(`Never disturbed, seed ${seed}: ${missing}\n${tally}`);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  print(
    `${struck} ${title} in ${seconds.toFixed(0)} s, ` +
      `${(struck / seconds).toFixed(1)}/s, seed ${seed}: of ${acknowledged} ` +
      `acknowledged appends 0 lost, 0 positions given twice; ` +
      `${undisturbed} runs came to their end first\n${tally}`,
  );
}

/** Stops servers at random moments, several times on each folder. */
async function runTerminations(
  { rounds, seed, directory }: {
    readonly rounds: number;
    readonly seed: number;
    readonly directory: string;
  },
): Promise<void> {
  const random = new SeededRandom(seed);
  const startMs = performance.now();
  let acknowledged = 0;
  for (let round = 0; round < rounds; round++) {
    const path = `${directory}/served-${Math.floor(round / ROUNDS_A_FOLDER)}`;
    const afterAnswers = random.integer(0, ANSWERS_MAX);
    const ended = await terminateServer({ path, round, afterAnswers });
    acknowledged += ended.acknowledged;
    if (ended.code === 0 && ended.signal === null) continue;
    throw new Error(
      `A server ended with status ${ended.code} (${ended.signal}), ` +
        `round ${round}, seed ${seed}: see ${path}`,
    );
  }
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  print(
    `${rounds} servers stopped by SIGTERM in ${seconds} s, seed ${seed}: all ended ` +
      `with status 0; of ${acknowledged} acknowledged appends 0 lost`,
  );
}

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "2000" },
      errors: { type: "string", default: "300" },
      "failed-kills": { type: "string", default: "300" },
      terminations: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 2 ** 32) },
    },
  });
  const seed = Number(values.seed);
  // Resolved: the shim compares paths.
  const directory = Deno.realPathSync(
    Deno.makeTempDirSync({ prefix: "opossum_kills_" }),
  );
  const disturber = await compileShim(directory).catch((error) => {
    Deno.removeSync(directory, { recursive: true });
    throw error;
  });
  const template = async (name: string, events: number) => {
    const path = `${directory}/${name}`;
    return { path, calls: await makeLog(path, seed, events) };
  };
  const built = await template("built", 0);
  const large = await template("large", EVENTS_FOR_WORKERS);
  const appends: Phase[] = [
    "singles",
    "together",
    "conditions",
    "roll",
    "live",
  ];
  const scenarios = (kinds: readonly FaultKind[]): Scenario[] => [{
    name: "everything",
    phases: [
      ...appends,
      "rebuild",
      "rebuild one",
      "roll back",
      "promote",
      "repair",
      "rebuild keys",
    ],
    // After a failure it must go on.
    rounds: kinds === KILLS ? 1 : 2,
    kinds,
    weight: 3,
  }, {
    name: "appends",
    template: built,
    phases: [...appends, "roll", "together"],
    rounds: 2,
    kinds,
    weight: 2,
  }, {
    name: "repairs",
    template: built,
    phases: ["live", "repair", "rebuild keys"],
    rounds: 2,
    kinds,
    weight: 2,
  }, {
    name: "rebuild in workers",
    template: large,
    phases: ["rebuild", "singles"],
    rounds: 1,
    kinds,
    weight: 1,
  }];
  const shared = { seed, directory, disturber };
  await runCourse({
    ...shared,
    title: "kills",
    runs: Number(values.kills),
    scenarios: scenarios(KILLS),
  });
  await runCourse({
    ...shared,
    title: "failed calls",
    runs: Number(values.errors),
    scenarios: scenarios(ERRORS),
  });
  const killWithin = KILL_WITHIN;
  const soonKilled = scenarios(ERRORS)
    .map((scenario) => ({ ...scenario, killWithin }));
  const syncs = soonKilled.map((scenario) => ({
    ...scenario,
    name: `${scenario.name}, a sync`,
    call: "sync" as const,
  }));
  await runCourse({
    ...shared,
    title: "failed calls with a kill soon after",
    runs: Number(values["failed-kills"]),
    scenarios: [...soonKilled, ...syncs],
  });
  await runTerminations({
    rounds: Number(values.terminations),
    seed,
    directory,
  });
  // Kept when anything went wrong before.
  Deno.removeSync(directory, { recursive: true });
}

function print(line: string): void {
  // deno-lint-ignore no-console -- the program's own output
  console.log(line);
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    const isUnable = error instanceof NoShimError;
    const words = "a C compiler (cc) and glibc are needed, on Linux";
    // deno-lint-ignore no-console -- the program's own output
    console.error(isUnable ? `Not run, as ${words}: ${error.message}` : error);
    Deno.exit(1);
  }
}
