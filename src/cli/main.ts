/**
 * The program `opossum`: run it with `--help`.
 *
 * @module
 */
import {
  asksForExport,
  isDenoTelemetryOn,
} from "../../api/telemetry_variables.ts";
import { createJsonLogger } from "../telemetry/logger.ts";
import { EXIT_INTERRUPTED } from "./exit_codes.ts";
import { type CommandIo, processIo } from "./io.ts";
import { runCli } from "./run.ts";
import { callersContext } from "./callers_context.ts";

export type { CommandIo } from "./io.ts";
export { runCli } from "./run.ts";

if (import.meta.main) {
  // Not by itself: an input that nobody reads any more would keep the process waiting.
  Deno.exit(await runObserved(Deno.args, processIo(EXIT_INTERRUPTED)));
}

/**
 * Runs the command line, and exports what it does where the environment asks for that: spans and
 * metrics of a rebuild in a folder, and what it logs. Else nothing is loaded for it.
 */
async function runObserved(
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  const { env = () => undefined } = io;
  if (isDenoTelemetryOn(env)) {
    return await callersContext(env, () => runCli(args, io));
  }
  if (!asksForExport(env)) return await runCli(args, io);
  const { createOtelLogger, startTelemetry } = await import(
    "../../api/telemetry.ts"
  );
  // Also when it fails or is interrupted: that is when somebody looks.
  await using _telemetry = await startTelemetry({
    serviceName: "opossum",
    env,
    logger: createJsonLogger({ level: "warn", write: io.report }),
  });
  const observed = { ...io, logger: createOtelLogger() };
  return await callersContext(env, () => runCli(args, observed));
}
