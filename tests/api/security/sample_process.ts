/**
 * The sample's server in a process of its own.
 *
 * @module
 */
import { ROOT } from "../../support/source_files.ts";

/** Arguments of `deno` that let the server serve a folder with a token file, and nothing more. */
export function leastPrivilege(
  { data, tokens }: { readonly data: string; readonly tokens: string },
): string[] {
  return [
    "run",
    "--no-prompt",
    `--allow-read=.,${data},${tokens}`,
    `--allow-write=${data}`,
    "--allow-net=127.0.0.1:0",
    "--allow-env=OPOSSUM_ADMIN_TOKEN,OTEL_*",
    "--deny-run",
    "--deny-ffi",
    "examples/course_management/serve.ts",
    "--data",
    data,
    "--port",
    "0",
    "--token-file",
    tokens,
  ];
}

/** A server that answers. */
export interface SampleProcess extends AsyncDisposable {
  readonly url: string;
  /** Ends it in an orderly way; returns its exit status and all that it wrote. */
  stop(): Promise<ProcessOutput>;
}

/** What became of a process. */
export interface ProcessOutput {
  readonly code: number;
  /** Standard output and standard error. */
  readonly written: string;
}

/** Runs a server that is to refuse, until it ends; one that serves all the same is killed. */
export async function runRefusing(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessOutput> {
  const child = commandOf(args, env).spawn();
  let written = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const isServing = written.includes("Serving HTTP");
      written += text;
      if (!isServing && written.includes("Serving HTTP")) child.kill("SIGKILL");
    }
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { code } = await child.status;
  return { code, written };
}

/** Starts a server, and waits until it says that it serves. */
export async function startProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SampleProcess> {
  const child = commandOf(args, env).spawn();
  let written = "";
  const ready = Promise.withResolvers<string>();
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      written += text;
      const url = /Serving \S+ at (http:\S+)\n[^]*The admin API/.exec(written);
      if (url?.[1] !== undefined) ready.resolve(url[1]);
    }
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const ended = collected.then(() => child.status);
  ended.then(() => ready.reject(new Error(`It does not serve: ${written}`)));
  const url = await ready.promise;
  let stopped: Promise<ProcessOutput> | undefined;
  const end = async () => {
    child.kill("SIGTERM");
    const { code } = await ended;
    return { code, written };
  };
  const stop = () => stopped ??= end();
  return {
    url,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

function commandOf(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: { OPOSSUM_ADMIN_TOKEN: "", OTEL_EXPORTER_OTLP_ENDPOINT: "", ...env },
    stdout: "piped",
    stderr: "piped",
  });
}
