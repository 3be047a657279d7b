/**
 * The sample's server, as a process of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What came of a server that ran to its end. */
export interface ServedToEnd {
  /** Its exit status. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: string | null;
  /** What it wrote on standard output. */
  readonly printed: string;
}

/**
 * Serves the sample on a free port until something ends it.
 *
 * @param data The data folder.
 * @param whenReady Called once, with the server's URL and its process.
 * @returns How it ended.
 */
export async function serveSample(
  data: string,
  whenReady: (url: string, server: Deno.ChildProcess) => Promise<void>,
): Promise<ServedToEnd> {
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-net=127.0.0.1",
      "--allow-env",
      "--allow-sys",
      "examples/course_management/serve.ts",
      "--data",
      data,
      "--port",
      "0",
      "--allow-unauthenticated",
      "--max-triggers",
      "1000000",
    ],
    cwd: ROOT,
    env: { OPOSSUM_ADMIN_TOKEN: "" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let printed = "";
  let served = Promise.resolve();
  for await (const text of server.stdout.pipeThrough(new TextDecoderStream())) {
    const wasReady = isReady(printed);
    printed += text;
    if (wasReady || !isReady(printed)) continue;
    served = whenReady(/at (http:\S+)/.exec(printed)?.[1] ?? "", server);
  }
  const { code, signal } = await server.status;
  await served;
  return { code, signal, printed };
}

/** The last line that it prints before it waits to be stopped. */
function isReady(printed: string): boolean {
  return printed.includes("OPOSSUM_ADMIN_TOKEN");
}
