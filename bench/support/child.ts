/**
 * Measured runs in processes of their own, so that neither memory nor compiled code is left from
 * another run.
 *
 * Linux hands the highest memory of a process on to the processes it starts, as theirs: who starts
 * measured runs has to stay small, and leaves seeding to a process of its own, too.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { onInterrupt } from "./interrupt.ts";
import { note } from "./report.ts";

const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];

/** The sample's projections, as a path within the project. */
const PROJECTIONS = "examples/course_management/projections.ts";

/** What one run of a measuring program took. */
export interface RunResult {
  /** Duration of what is measured, in milliseconds. */
  readonly duration: number;
  /** Time on processors meanwhile, over all threads, in milliseconds. */
  readonly cpu: number;
  /** Highest resident memory of the process, in bytes. */
  readonly peakRssBytes: number;
}

/**
 * The command line of a program of this project.
 *
 * @param script Its path within the project.
 * @param args Its arguments.
 * @param permissions What it may do. @default {read, write, environment, system}
 * @returns The command, to be completed with what to do with its output.
 */
export function denoCommand(
  script: string,
  args: readonly string[],
  permissions: readonly string[] = PERMISSIONS,
): { readonly args: string[]; readonly cwd: string } {
  return {
    args: ["run", "--quiet", ...permissions, script, ...args],
    cwd: ROOT,
  };
}

/**
 * Runs a program.
 *
 * @param script Its path within the project.
 * @param args Its arguments.
 * @param permissions What it may do. @default {read, write, environment, system}
 * @returns What it printed.
 */
export async function runProgram(
  script: string,
  args: readonly string[],
  permissions?: readonly string[],
): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    ...denoCommand(script, args, permissions),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  using _interruption = onInterrupt(() => child.kill("SIGKILL"));
  const { code, stdout } = await child.output();
  if (code !== 0) {
    throw new Error(`Cannot measure as ${script} ended with status ${code}`);
  }
  return new TextDecoder().decode(stdout);
}

/**
 * Runs a program that measures, and prints one line of JSON.
 *
 * @param script Its path within the project.
 * @param args Its arguments.
 * @param permissions What it may do. @default {read, write, environment, system}
 * @returns What it printed.
 */
export async function runMeasured<Result extends RunResult>(
  script: string,
  args: readonly string[],
  permissions?: readonly string[],
): Promise<Result> {
  const result: Result = JSON.parse(
    await runProgram(script, args, permissions),
  );
  if (result.peakRssBytes <= process.resourceUsage().maxRSS * 1_024) {
    note(`The peak memory of ${script} is unknown: less than this process's`);
  }
  return result;
}

/**
 * Runs a command of `opossum`, with the sample's projections.
 *
 * @param name The command.
 * @param store The data folder.
 * @returns What it printed.
 */
export async function runOpossum<Result>(
  name: string,
  store: string,
): Promise<Result> {
  const options = ["--json", "--data", store, "--projections", PROJECTIONS];
  return JSON.parse(await runProgram("src/cli/main.ts", [name, ...options]));
}
