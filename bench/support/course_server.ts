/**
 * The sample's server in a process of its own, on a free port of the loopback interface.
 *
 * @module
 */
import { denoCommand } from "./child.ts";
import { onInterrupt } from "./interrupt.ts";

/** A server that answers. Dispose it to stop it. */
export interface ServerProcess extends AsyncDisposable {
  /** Where it answers. */
  readonly url: string;
}

/**
 * Starts the server.
 *
 * @param store The data folder.
 * @returns The server, once it listens.
 */
export async function startServerProcess(
  store: string,
): Promise<ServerProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    ...denoCommand(
      "examples/course_management/serve.ts",
      [
        "--data",
        store,
        "--port",
        "0",
        "--allow-unauthenticated",
        "--max-triggers",
        "1000000",
      ],
      [
        "--allow-read",
        "--allow-write",
        "--allow-env",
        "--allow-sys",
        "--allow-net=127.0.0.1",
      ],
    ),
    // The admin API is asked without a token.
    env: { OPOSSUM_ADMIN_TOKEN: "" },
    stdout: "piped",
    // Its log is no part of what is measured.
    stderr: "null",
  }).spawn();
  const interruption = onInterrupt(() => child.kill("SIGKILL"));
  const output = child.stdout.pipeThrough(new TextDecoderStream());
  const reader = output.getReader();
  try {
    return {
      url: await readUrl(reader),
      async [Symbol.asyncDispose]() {
        child.kill("SIGTERM");
        await reader.cancel();
        await child.status;
        interruption[Symbol.dispose]();
      },
    };
  } catch (error) {
    await reader.cancel();
    await child.status;
    interruption[Symbol.dispose]();
    throw error;
  }
}

async function readUrl(
  reader: ReadableStreamDefaultReader<string>,
): Promise<string> {
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("Cannot measure as the server did not start");
    text += value;
    const [, url] = /^Serving .* at (http:\S+)\n/m.exec(text) ?? [];
    if (url !== undefined) return url;
  }
}
