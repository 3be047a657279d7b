/**
 * The other end of a {@linkcode LineProcess}: carries out the commands on standard input, several
 * at once, and ends with it.
 *
 * @module
 */
import { TextLineStream } from "./lines.ts";

/**
 * Answers commands until there are no more.
 *
 * @param carryOut Carries a command out; what it throws is answered as `{ is: "error" }`.
 */
export async function serveLines<Command>(
  carryOut: (command: Command) => Promise<unknown>,
): Promise<void> {
  const answering = new Set<Promise<void>>();
  const answer = async (n: number, command: Command) => {
    try {
      tell({ n, answer: await carryOut(command) });
    } catch (error) {
      tell({ n, answer: { is: "error", message: String(error) } });
    }
  };
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const { n, command } = JSON.parse(line);
    const answered = answer(n, command)
      .finally(() => answering.delete(answered));
    answering.add(answered);
  }
  await Promise.all(answering);
}

/** Blocking: an answer that is written is in the pipe, whatever becomes of this process. */
function tell(reply: unknown): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(reply)}\n`);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}
