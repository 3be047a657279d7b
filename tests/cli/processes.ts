/**
 * The command line and servers as processes of their own.
 *
 * @module
 */
import { ServerProcess } from "../support/server_process.ts";
import { ROOT } from "../support/source_files.ts";

/** The token of the servers. */
export const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/** The projections of a release. */
export const RELEASES = {
  /** Without `CourseShortInfo`. */
  first: new URL("./programs/release_1.ts", import.meta.url).href,
  /** With it, and with a bug in `CourseDetails`. */
  buggy: new URL("./programs/release_2_buggy.ts", import.meta.url).href,
  /** As it is. */
  current:
    new URL("../../examples/course_management/projections.ts", import.meta.url)
      .href,
} as const;

function argsOf(script: string, args: readonly string[]): string[] {
  return [
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-sys",
    "--allow-net=127.0.0.1",
    script,
    ...args,
  ];
}

/** What a run of the command line wrote, and how it ended. */
export interface ProcessRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command line, with some variables besides this process's. */
export function startOpossum(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: argsOf("src/cli/main.ts", args),
    cwd: ROOT,
    env: { OPOSSUM_TOKEN: TOKEN, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the command line to its end. */
export function opossum(...args: string[]): Promise<ProcessRun> {
  return endOf(startOpossum(args));
}

/** Waits until a process that was started has ended. */
export async function endOf(child: Deno.ChildProcess): Promise<ProcessRun> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Starts a server of a release; resolves when it answers. */
export async function startRelease(
  data: string,
  release: string,
  { autoRebuild = false, port = 0 } = {},
): Promise<ServerProcess> {
  const args = argsOf("tests/cli/programs/serve.ts", [
    data,
    release,
    autoRebuild ? "auto" : "manual",
    String(port),
  ]);
  const env = { OPOSSUM_ADMIN_TOKEN: TOKEN };
  return await ServerProcess.start(args, env, /^(http:\S+)\n/);
}
