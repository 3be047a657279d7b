/**
 * The program `opossum`: run it with `--help`.
 *
 * @module
 */
import { runCli } from "./run.ts";

export type { CommandIo } from "./command.ts";
export { runCli } from "./run.ts";

if (import.meta.main) Deno.exitCode = await main();

async function main(): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, onSignal);
  }
  const output = Deno.stdout.writable.getWriter();
  const encoder = new TextEncoder();
  try {
    return await runCli(Deno.args, {
      write: async (text) => {
        await output.write(encoder.encode(text));
      },
      // deno-lint-ignore no-console -- the program's own output
      report: (line) => console.error(line),
      stdin: Deno.stdin.readable,
      isTerminal: Deno.stderr.isTerminal(),
      signal: stop.signal,
    });
  } finally {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      Deno.removeSignalListener(name, onSignal);
    }
  }
}
