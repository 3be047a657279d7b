/**
 * Proves the tests: puts one bug after the other into a copy of the project (a dropped sync, a
 * checksum nobody looks at, a lock nobody takes) and runs the tests that must turn red. One that
 * stays green is a hole in the tests, or a piece of code that is not needed.
 *
 * `deno task test:seeded-bugs [WORDS…]`: all, or those whose name holds all the words. The exit
 * status is 0 only when every bug was caught.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HEALTH_BUGS } from "../tests/faults/seeded_bugs/health.ts";
import { REPAIR_BUGS } from "../tests/faults/seeded_bugs/repairs.ts";
import { GENERATION_BUGS } from "../tests/faults/seeded_bugs/generations.ts";
import { COMMAND_BUGS } from "../tests/faults/seeded_bugs/commands.ts";
import { OVERLOOKED_BUGS } from "../tests/faults/seeded_bugs/overlooked.ts";
import { OPERATION_BUGS } from "../tests/faults/seeded_bugs/operations.ts";
import { ACCESS_BUGS } from "../tests/faults/seeded_bugs/access.ts";
import { PROJECTION_BUGS } from "../tests/faults/seeded_bugs/projections.ts";
import { SESSION_BUGS } from "../tests/faults/seeded_bugs/sessions.ts";
import { STATE_BUGS } from "../tests/faults/seeded_bugs/state.ts";
import { READING_BUGS } from "../tests/faults/seeded_bugs/reading.ts";
import { LOG_BUGS } from "../tests/faults/seeded_bugs/logs.ts";
import { TRACE_BUGS } from "../tests/faults/seeded_bugs/traces.ts";
import type { SeededBug } from "../tests/faults/seeded_bugs/seeded_bug.ts";
import { WRITING_BUGS } from "../tests/faults/seeded_bugs/writing.ts";
import { Staging } from "./staging.ts";

const ROOT: string = fileURLToPath(new URL("../", import.meta.url));
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-net=127.0.0.1,0.0.0.0",
  `--allow-run=${Deno.execPath()}`,
];
/** A bug can make a test wait for ever: that counts as caught, after so long at least. */
const TIMEOUT_MS = 120_000;
/** But not before a multiple of the time that the same tests take without the bug. */
const SLOWER = 4;

/** What came of a bug. */
interface Outcome {
  readonly isCaught: boolean;
  /** The first test that turned red, or what else happened. */
  readonly by: string;
}

/** How long tests take without any bug, by their names: red without one, they prove nothing. */
const baselines = new Map<string, Promise<number>>();

function baselineMs(
  tests: readonly string[],
  copy: string,
): Promise<number> {
  const key = tests.join(" ");
  let measured = baselines.get(key);
  if (!measured) {
    measured = measure(tests, copy);
    baselines.set(key, measured);
  }
  return measured;
}

async function measure(
  tests: readonly string[],
  copy: string,
): Promise<number> {
  const startMs = performance.now();
  const { isCaught, by } = await runTests(tests, copy, 10 * TIMEOUT_MS);
  if (isCaught) throw new Error(`Red without a bug: ${by}, of ${tests}`);
  return performance.now() - startMs;
}

/** Puts a bug into the copy, runs its tests and takes it out again. */
async function tryOut(bug: SeededBug, copy: string): Promise<Outcome> {
  const file = join(copy, bug.file);
  const before = Deno.readTextFileSync(file);
  if (before.split(bug.replace).length !== 2) {
    return { isCaught: false, by: "its place in the code is not there once" };
  }
  const timeoutMs = Math.max(
    TIMEOUT_MS,
    SLOWER * await baselineMs(bug.tests, copy),
  );
  // Not as a pattern: what comes in may hold dollar signs.
  Deno.writeTextFileSync(file, before.replace(bug.replace, () => bug.by));
  try {
    return await runTests(bug.tests, copy, timeoutMs);
  } finally {
    Deno.writeTextFileSync(file, before);
  }
}

async function runTests(
  tests: readonly string[],
  cwd: string,
  timeoutMs: number,
): Promise<Outcome> {
  const signal = AbortSignal.timeout(timeoutMs);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    // A bug need not be well typed.
    args: ["test", "--no-check", "--fail-fast", ...PERMISSIONS, ...tests],
    cwd,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "null",
    signal,
  }).output();
  if (code === 0) return { isCaught: false, by: "no test turned red" };
  if (signal.aborted) return { isCaught: true, by: "a test that hangs" };
  const text = new TextDecoder().decode(stdout);
  const [, name] = /^(.*?) \.\.\. .*FAILED/m.exec(text) ?? [];
  if (name !== undefined) return { isCaught: true, by: name.trim() };
  // What is no program any more turns everything red, and says nothing about the tests.
  return /^running \d+ tests?/m.test(text)
    ? { isCaught: true, by: "the end of the process" }
    : { isCaught: false, by: "no test ran" };
}

if (import.meta.main) {
  const bugs = [
    ...WRITING_BUGS,
    ...READING_BUGS,
    ...PROJECTION_BUGS,
    ...GENERATION_BUGS,
    ...OVERLOOKED_BUGS,
    ...STATE_BUGS,
    ...COMMAND_BUGS,
    ...OPERATION_BUGS,
    ...HEALTH_BUGS,
    ...LOG_BUGS,
    ...REPAIR_BUGS,
    ...TRACE_BUGS,
    ...ACCESS_BUGS,
    ...SESSION_BUGS,
  ]
    .filter(({ name }) => Deno.args.every((word) => name.includes(word)));
  using staging = new Staging();
  const copy = staging.copy("", "project");
  Deno.symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  let caught = 0;
  for (const bug of bugs) {
    const { isCaught, by } = await tryOut(bug, copy);
    if (isCaught) caught++;
    console.log(
      `${isCaught ? "caught" : "MISSED"}  ${bug.name}\n        ${by}`,
    );
  }
  console.log(`${caught} of ${bugs.length} seeded bugs caught`);
  if (caught < bugs.length || bugs.length === 0) Deno.exit(1);
}
