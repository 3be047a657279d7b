/**
 * The command line and servers as processes of their own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

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

function start(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read",
      "--allow-write",
      "--allow-env",
      "--allow-sys",
      "--allow-net=127.0.0.1",
      script,
      ...args,
    ],
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a run of the command line wrote, and how it ended. */
export interface ProcessRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command line. */
export function startOpossum(args: readonly string[]): Deno.ChildProcess {
  return start("src/cli/main.ts", args, { OPOSSUM_TOKEN: TOKEN });
}

/** Runs the command line to its end. */
export async function opossum(...args: string[]): Promise<ProcessRun> {
  const { code, stdout, stderr } = await startOpossum(args).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A server of a release. */
export class ReleaseServer implements AsyncDisposable {
  /** Starts it; resolves when it answers. */
  static async start(
    data: string,
    release: string,
    { autoRebuild = false, port = 0 } = {},
  ): Promise<ReleaseServer> {
    const child = start("tests/cli/programs/serve.ts", [
      data,
      release,
      autoRebuild ? "auto" : "manual",
      String(port),
    ], { OPOSSUM_ADMIN_TOKEN: TOKEN });
    const errors = new Response(child.stderr).text();
    const output = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value = "" } = await output.read();
    const url = /^(http:\S+)/.exec(value)?.[1];
    if (!url) throw new Error(`The server did not start: ${await errors}`);
    return new ReleaseServer(child, url, output, errors);
  }

  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #hasEnded = false;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    output: ReadableStreamDefaultReader<string>,
    errors: Promise<string>,
  ) {
    this.#child = child;
    this.url = url;
    this.#output = output;
    this.#errors = errors;
  }

  /** Where it listens. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends it with no chance to clean up. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    assertEquals((await this.#end("SIGTERM")).code, 0, await this.#errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.stop();
  }

  async #end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.#hasEnded = true;
    this.#child.kill(signal);
    const status = await this.#child.status;
    while (!(await this.#output.read()).done);
    await this.#errors;
    return status;
  }
}
