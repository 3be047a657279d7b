/**
 * The sample's server in a process that may do little, or that is to refuse.
 *
 * @module
 */
import {
  type ServerEnd,
  ServerNotStartedError,
  ServerProcess,
} from "../../support/server_process.ts";

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
    "--allow-env=OPOSSUM_*,OTEL_*",
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

/** Runs a server that is to refuse, until it ends; one that serves all the same is killed. */
export async function runRefusing(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ServerEnd> {
  try {
    const server = await ServerProcess.start(args, env);
    return await server.kill();
  } catch (error) {
    if (error instanceof ServerNotStartedError) return error.end;
    throw error;
  }
}
