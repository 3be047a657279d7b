/**
 * The sample's real server in a process that can be killed, and how its API is asked.
 *
 * @module
 */
import { sampleArgs, ServerProcess } from "../support/server_process.ts";
import { EventReader, type SentEvent } from "../api/sse.ts";

const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/** A server under way. */
export class AskedServer implements AsyncDisposable {
  /** Starts it on a folder; resolves when it answers. */
  static async start(data: string): Promise<AskedServer> {
    const env = { OPOSSUM_ADMIN_TOKEN: TOKEN };
    return new AskedServer(await ServerProcess.start(sampleArgs(data), env));
  }

  readonly #process: ServerProcess;

  private constructor(process: ServerProcess) {
    this.#process = process;
  }

  /** Asks with the token. */
  async ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return await fetch(`${this.#process.url}${path}`, {
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
    await this.#process.kill();
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
