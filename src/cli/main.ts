/**
 * The program `opossum`: run it with `--help`.
 *
 * @module
 */
import {
  asksForExport,
  isConsoleReplaced,
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
    return await callersContext(
      env,
      async () => await runCli(args, { ...io, ...await denoLogger(env) }),
    );
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

/** What Deno exports of the log: it takes that from the console alone, if it is told to. */
async function denoLogger(
  env: (name: string) => string | undefined,
): Promise<Pick<CommandIo, "logger">> {
  if (!isConsoleReplaced(env)) return {};
  const { createProgramLogger } = await import("../../api/telemetry.ts");
  // The lines are the command's.
  return { logger: createProgramLogger({ env, write: () => {} }) };
}
