/**
 * A process that appends and reads, with what it is asked for taken down.
 *
 * @module
 */
import type { Answer, Command } from "./commands.ts";
import type { History } from "./history.ts";
import { LineProcess } from "./line_process.ts";

const PROGRAM = "tests/faults/processes/appender_program.ts";

/** One process after the other, each in the place of the one that was killed. */
export class AppenderProcess extends LineProcess<Command, Answer> {
  readonly #history: History;
  #session: number;

  /**
   * @param path The data folder.
   * @param history Takes down what happens.
   * @param failures Takes what a process said when it failed by itself.
   */
  constructor(path: string, history: History, failures: string[]) {
    super(PROGRAM, [path], failures);
    this.#history = history;
    this.#session = history.beginSession();
  }

  override async call(command: Command): Promise<Answer> {
    const operation = this.#history.begin(this.#session, command);
    const answer = await super.call(command);
    this.#history.end(operation, answer);
    return answer;
  }

  override async kill(): Promise<void> {
    await super.kill();
    this.#session = this.#history.beginSession();
  }
}
