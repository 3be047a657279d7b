/**
 * Questions to whoever sits at the terminal.
 *
 * @module
 */
import { createInterface } from "node:readline/promises";

/** Where to ask, and who ends it. */
export interface AskOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Gives up by throwing its reason. */
  readonly signal: AbortSignal;
  /** Told of Ctrl-C: while a line is edited, the terminal makes no signal of it. */
  readonly onInterrupt: () => void;
}

/**
 * Asks whether to go on.
 *
 * @param question What would be done.
 * @param options Where to ask, and who ends it.
 * @returns Whether the answer is yes; it is not when the input ends.
 */
export async function ask(
  question: string,
  { input, output, signal, onInterrupt }: AskOptions,
): Promise<boolean> {
  const terminal = createInterface({ input, output });
  const ended = new Promise<string>((resolve) =>
    terminal.once("close", () => resolve(""))
  );
  terminal.on("SIGINT", onInterrupt);
  try {
    const answer = await Promise.race([
      terminal.question(`${question} [y/N] `, { signal }),
      ended,
    ]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
