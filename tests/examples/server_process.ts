/**
 * The sample's real server, as a process that can be killed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { EventReader, type SentEvent } from "../api/sse.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/** A server under way. */
export class ServerProcess implements AsyncDisposable {
  /** Starts it on a folder; resolves when it answers. */
  static async start(data: string): Promise<ServerProcess> {
    const child = new Deno.Command(Deno.execPath(), {
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
        "--max-triggers",
        "1000000",
      ],
      cwd: ROOT,
      env: { OPOSSUM_ADMIN_TOKEN: TOKEN },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(child.stderr).text();
    const output = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let printed = "";
    for (;;) {
      const url = /at (http:\S+)/.exec(printed)?.[1];
      if (url) return new ServerProcess(child, url, output, errors);
      const { done, value } = await output.read();
      if (done) throw new Error(`The server did not start: ${await errors}`);
      printed += value;
    }
  }

  readonly #child: Deno.ChildProcess;
  readonly #url: string;
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
    this.#url = url;
    this.#output = output;
    this.#errors = errors;
  }

  /** Asks with the token. */
  async ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...headers, authorization: `Bearer ${TOKEN}` },
    });
  }

  /** Asks, and reads the JSON of the answer. */
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  async json(method: string, path: string): Promise<any> {
    return await (await this.ask(method, path)).json();
  }

  /** Watches events until one is right. */
  async watch(
    path: string,
    isRight: (event: SentEvent) => boolean,
  ): Promise<SentEvent> {
    await using reader = new EventReader(await this.ask("GET", path));
    for (;;) {
      const event = await reader.next();
      if (!event) throw new Error(`The stream ended: ${path}`);
      if (isRight(event)) return event;
    }
  }

  /** Waits until every projection is ready. */
  async whenReady(): Promise<void> {
    const ready = new Set<string>();
    await this.watch("/admin/events", ({ event, data }) => {
      if (event === "projection" && data.state === "ready") {
        ready.add(data.name);
      }
      return ready.size === 4;
    });
  }

  /** Ends it with no chance to clean up. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    assertEquals((await this.#end()).signal, "SIGKILL");
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    assertEquals((await this.#end()).code, 0, await this.#errors);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.kill();
  }

  async #end(): Promise<Deno.CommandStatus> {
    this.#hasEnded = true;
    const status = await this.#child.status;
    while (!(await this.#output.read()).done);
    await this.#errors;
    return status;
  }
}
