/**
 * The history of what several processes did with one store: when each command was given and
 * answered, in the one order that the parent saw. Begun before it was sent and ended after it was
 * received, an operation took place somewhere in between.
 *
 * @module
 */
import type { Answer, Command } from "./commands.ts";

/** A command, and what came of it. */
export interface Operation {
  /** Which process did it: a new number after each kill. */
  readonly session: number;
  readonly command: Command;
  /** When it was given. */
  readonly begun: number;
  /** When it was answered; left out when the process was killed before. */
  ended?: number;
  answer?: Answer;
}

/** Takes operations down. */
export class History {
  readonly operations: Operation[] = [];
  readonly #waiting: { readonly count: number; readonly call: () => void }[] =
    [];
  #moments = 0;
  #sessions = 0;

  /** Number of the next process. */
  beginSession(): number {
    return this.#sessions++;
  }

  /** A command is about to be given. */
  begin(session: number, command: Command): Operation {
    const operation = { session, command, begun: this.#moments++ };
    this.operations.push(operation);
    for (const { count, call } of this.#waiting) {
      if (count <= this.operations.length) call();
    }
    return operation;
  }

  /** Resolves when so many operations were begun. */
  reaches(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, call: resolve });
    if (count <= this.operations.length) resolve();
    return promise;
  }

  /** A command was answered. */
  end(operation: Operation, answer: Answer): void {
    operation.ended = this.#moments++;
    operation.answer = answer;
  }
}
