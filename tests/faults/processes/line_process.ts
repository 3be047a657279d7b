/**
 * The parent's end of a process that does what it is told: one JSON text a line each way. Started
 * again in its place when it was killed.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { TextLineStream } from "./lines.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The process was killed: nobody knows what came of the command. */
export class KilledError extends Error {
  override readonly name = "KilledError";
}

/** Processes of one program, one after the other. */
export class LineProcess<Command, Answer> {
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #failures: string[];
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #child!: Deno.ChildProcess;
  #input!: WritableStreamDefaultWriter<Uint8Array>;
  #ended!: Promise<void>;
  #hasEnded = false;
  #next = 0;

  /**
   * @param program Its file within the project.
   * @param args Its arguments.
   * @param failures Takes what a process said when it ended by itself.
   */
  constructor(program: string, args: readonly string[], failures: string[]) {
    this.#program = program;
    this.#args = args;
    this.#failures = failures;
    this.#start();
  }

  /** Its id in the system. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Has a command carried out.
   *
   * @param command The command.
   * @returns The answer.
   * @throws {KilledError} If the process was killed meanwhile.
   */
  async call(command: Command): Promise<Answer> {
    if (this.#hasEnded) throw new KilledError();
    const n = this.#next++;
    const answered = Promise.withResolvers<Answer>();
    this.#waiting.set(n, answered);
    const line = `${JSON.stringify({ n, command })}\n`;
    // It may have been killed; then its end tells.
    this.#input.write(new TextEncoder().encode(line)).catch(() => {});
    return await answered.promise;
  }

  /** Kills the process with no chance to clean up, and starts another one. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#ended;
    this.#start();
  }

  /** Stops the process wherever it is, until {@linkcode goOn}. */
  stop(): void {
    this.#signal("SIGSTOP");
  }

  /** Lets a stopped process go on. */
  goOn(): void {
    this.#signal("SIGCONT");
  }

  /** Lets the process come to its end. */
  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#ended;
  }

  #signal(signal: Deno.Signal): void {
    // One that ended by itself is among the failures.
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  #start(): void {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--allow-read",
        "--allow-write",
        "--allow-env",
        "--allow-sys",
        this.#program,
        ...this.#args,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#hasEnded = false;
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
      const { n, answer } = JSON.parse(line);
      this.#waiting.get(n)?.resolve(answer);
      this.#waiting.delete(n);
    }
    const { success, signal } = await child.status;
    this.#hasEnded = true;
    await input.abort().catch(() => {});
    const text = await errors;
    if (!success && signal !== "SIGKILL") this.#failures.push(text);
    for (const { reject } of this.#waiting.values()) reject(new KilledError());
    this.#waiting.clear();
  }
}
