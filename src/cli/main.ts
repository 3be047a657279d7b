/**
 * The program `opossum`: run it with `--help`.
 *
 * @module
 */
import { EXIT_INTERRUPTED } from "./exit_codes.ts";
import { processIo } from "./io.ts";
import { runCli } from "./run.ts";

export type { CommandIo } from "./io.ts";
export { runCli } from "./run.ts";

if (import.meta.main) {
  // Not by itself: an input that nobody reads any more would keep the process waiting.
  Deno.exit(await runCli(Deno.args, processIo(EXIT_INTERRUPTED)));
}
