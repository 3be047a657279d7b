/**
 * Everything that must hold before a change is taken: runs each check, however the others went,
 * and ends with one line that counts them all: `N passed, N failed`. Tests and examples count
 * one by one, every other check as one. The exit status is 0 only when nothing failed.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- this program talks to people
import { fileURLToPath } from "node:url";
import { runDeno } from "./staging.ts";

const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** Tasks that pass or fail as a whole. */
const CHECKS = ["lock:check", "fmt:check", "lint", "check", "publish:check"];
/** Tasks that run tests. */
const SUITES = ["test", "test:docs"];

/** How many passed, and how many failed. */
interface Count {
  passed: number;
  failed: number;
}

/** Runs a task that is one check. */
async function runCheck(task: string): Promise<Count> {
  const code = await runTask(task);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs a task that is many tests, counted by the report it writes. */
async function runSuite(task: string): Promise<Count> {
  const report = Deno.makeTempFileSync({ suffix: ".xml" });
  try {
    const code = await runTask(task, `--junit-path=${report}`);
    const count = countTests(Deno.readTextFileSync(report));
    // It can also fail outside any test: no test found, an error of types, a crash.
    if ((code !== 0 || count.passed === 0) && count.failed === 0) {
      count.failed = 1;
    }
    return count;
  } finally {
    Deno.removeSync(report);
  }
}

/** Counts the tests of a JUnit report; none, if it was never written. */
function countTests(xml: string): Count {
  const [summary = ""] = /<testsuites\b[^>]*>/.exec(xml) ?? [];
  const read = (name: string) =>
    Number(new RegExp(`\\b${name}="(\\d+)"`).exec(summary)?.[1] ?? 0);
  const failed = read("failures") + read("errors");
  return { passed: read("tests") - failed, failed };
}

async function runTask(task: string, ...args: string[]): Promise<number> {
  console.log(`\n── ${task}`);
  const code = await runDeno(ROOT, "task", "--quiet", task, ...args);
  if (code !== 0) console.log(`── ${task} FAILED (exit status ${code})`);
  return code;
}

/** Runs everything; returns the exit code. */
async function runAll(): Promise<number> {
  const total: Count = { passed: 0, failed: 0 };
  const failing: string[] = [];
  const add = (task: string, { passed, failed }: Count) => {
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) failing.push(`${task} (${failed})`);
  };
  for (const task of CHECKS) add(task, await runCheck(task));
  for (const task of SUITES) add(task, await runSuite(task));
  if (failing.length > 0) console.log(`\nFailed: ${failing.join(", ")}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await runAll());
