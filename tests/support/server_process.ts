/**
 * Servers as processes of their own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { ROOT } from "./source_files.ts";

/** How a server ended. */
export interface ServerEnd {
  /** Its exit status. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: Deno.Signal | null;
  /** What it wrote on standard output. */
  readonly printed: string;
  /** What it wrote on standard output and standard error. */
  readonly written: string;
}

/** A server ended before it answered. */
export class ServerNotStartedError extends Error {
  override readonly name = "ServerNotStartedError";

  constructor(readonly end: ServerEnd) {
    super(`The server did not start: ${end.written}`);
  }
}

/** What the sample says last before it waits to be stopped. */
const SAMPLE_READY = /at (http:\S+)\n[^]*OPOSSUM_ADMIN_TOKEN/;

/** Arguments of `deno` that let the sample serve a folder on a free port, and change much. */
export function sampleArgs(data: string, ...more: string[]): string[] {
  return [
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
    "--max-triggers",
    "1000000",
    ...more,
  ];
}

/** A server under way. */
export class ServerProcess implements AsyncDisposable {
  /**
   * Starts a server; resolves when it waits for requests.
   *
   * @param args Arguments of `deno`.
   * @param env What it finds in its environment besides this process's.
   * @param ready What it has said by then; the first group is its URL. @default {the sample's words}
   * @throws {ServerNotStartedError} If it ends before.
   */
  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    ready: RegExp = SAMPLE_READY,
  ): Promise<ServerProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: ROOT,
      env: { OPOSSUM_ADMIN_TOKEN: "", OTEL_EXPORTER_OTLP_ENDPOINT: "", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const answering = Promise.withResolvers<string>();
    const ended = collect(child, (printed) => {
      const url = ready.exec(printed)?.[1];
      if (url !== undefined) answering.resolve(url);
    });
    ended.then((end) => answering.reject(new ServerNotStartedError(end)));
    return new ServerProcess(child, await answering.promise, ended);
  }

  /** Where it answers. */
  readonly url: string;
  /** How it ended, once it has. */
  readonly ended: Promise<ServerEnd>;
  readonly #child: Deno.ChildProcess;
  #isEnding = false;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    ended: Promise<ServerEnd>,
  ) {
    this.#child = child;
    this.url = url;
    this.ended = ended;
    // One that ended by itself cannot be told to.
    ended.then(() => void (this.#isEnding = true));
  }

  /** Where it listens. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Tells it to stop, as an operator does, and does not wait for that. */
  terminate(): void {
    this.#isEnding = true;
    this.#child.kill("SIGTERM");
  }

  /** Ends it as an operator does, which must go well. */
  async stop(): Promise<ServerEnd> {
    this.terminate();
    const end = await this.ended;
    assertEquals(end.code, 0, end.written);
    return end;
  }

  /** Ends it with no chance to clean up. */
  async kill(): Promise<ServerEnd> {
    this.#isEnding = true;
    this.#child.kill("SIGKILL");
    const end = await this.ended;
    assertEquals(end.signal, "SIGKILL");
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnding) await this.stop();
    await this.ended;
  }
}

/** Gathers what a process writes until it ends. */
async function collect(
  child: Deno.ChildProcess,
  onPrinted: (printed: string) => void,
): Promise<ServerEnd> {
  let printed = "";
  const printing = async () => {
    for await (
      const text of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      printed += text;
      onPrinted(printed);
    }
  };
  const [errors, { code, signal }] = await Promise.all([
    new Response(child.stderr).text(),
    child.status,
    printing(),
  ]);
  return { code, signal, printed, written: printed + errors };
}
