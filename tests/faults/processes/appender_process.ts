/**
 * The parent's end of a process that works on a store: sends commands, records when each was sent
 * and answered, and starts the process again when it was killed.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Answer, Command, Reply } from "./commands.ts";
import type { History } from "./history.ts";
import { TextLineStream } from "./lines.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = "tests/faults/processes/appender_program.ts";

/** The process was killed: nobody knows what came of the command. */
export class KilledError extends Error {
  override readonly name = "KilledError";
}

/** One process after the other, each in the place of the one that was killed. */
export class AppenderProcess {
  readonly #path: string;
  readonly #history: History;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #failures: string[];
  #child!: Deno.ChildProcess;
  #input!: WritableStreamDefaultWriter<Uint8Array>;
  #ended!: Promise<void>;
  #session = 0;
  #next = 0;

  /**
   * @param path The data folder.
   * @param history Takes down what happens.
   * @param failures Takes what a process said when it failed by itself.
   */
  constructor(path: string, history: History, failures: string[]) {
    this.#path = path;
    this.#history = history;
    this.#failures = failures;
    this.#start();
  }

  /**
   * Has a command carried out.
   *
   * @param command The command.
   * @returns The answer.
   * @throws {KilledError} If the process was killed meanwhile.
   */
  async call(command: Command): Promise<Answer> {
    const n = this.#next++;
    const answered = Promise.withResolvers<Answer>();
    this.#waiting.set(n, answered);
    const operation = this.#history.begin(this.#session, command);
    const line = `${JSON.stringify({ n, command })}\n`;
    // It may have been killed; then its end tells.
    this.#input.write(new TextEncoder().encode(line)).catch(() => {});
    const answer = await answered.promise;
    this.#history.end(operation, answer);
    return answer;
  }

  /** Kills the process with no chance to clean up, and starts another one. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    this.#start();
  }

  /** Stops the process wherever it is, until {@linkcode goOn}. */
  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets a stopped process go on. */
  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  /** Lets the process come to its end. */
  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#ended;
  }

  #start(): void {
    this.#session = this.#history.beginSession();
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--allow-read",
        "--allow-write",
        "--allow-env",
        "--allow-sys",
        PROGRAM,
        this.#path,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#ended = this.#listen(child, this.#input);
  }

  async #listen(
    child: Deno.ChildProcess,
    input: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    const errors = new Response(child.stderr).text();
    const lines = child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    // Also what it said before it was killed: that was acknowledged.
    for await (const line of lines) {
      const { n, answer }: Reply = JSON.parse(line);
      this.#waiting.get(n)?.resolve(answer);
      this.#waiting.delete(n);
    }
    const { success, signal } = await child.status;
    await input.abort().catch(() => {});
    const text = await errors;
    if (!success && signal !== "SIGKILL") this.#failures.push(text);
    for (const { reject } of this.#waiting.values()) reject(new KilledError());
    this.#waiting.clear();
  }
}
