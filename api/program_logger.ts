/**
 * The logger of programs that serve: JSON lines on standard error always, and whatever takes logs
 * for OpenTelemetry besides.
 *
 * @module
 */
import {
  combineLoggers,
  createJsonLogger,
  createOtelLogger,
  isLevelWanted,
  type Logger,
  type LogLevel,
  toOtelAttributes,
} from "../mod.ts";
import { isConsoleReplaced, isDenoTelemetryOn } from "./telemetry_variables.ts";

/** What {@linkcode createProgramLogger} may be told. */
export interface ProgramLoggerOptions {
  /** Records below this level are dropped. @default {"info"} */
  readonly level?: LogLevel;
  /**
   * Takes one line without its line end. With `OTEL_DENO=true` it had better not write to the
   * console, as Deno exports that. @default {standard error, past the console then}
   */
  readonly write?: (line: string, level: LogLevel) => void;
  /** Reads an environment variable. @default {the environment of the process} */
  readonly env?: (name: string) => string | undefined;
}

/**
 * A logger that writes JSON lines, and hands to OpenTelemetry what may leave the machine: to the
 * SDK that `startTelemetry()` started or, with `OTEL_DENO=true` and `OTEL_DENO_CONSOLE=replace`,
 * to Deno. Without the latter Deno exports what is written to the console as it is, errors'
 * messages included, and everything on standard error as an error: so the lines go past it then.
 *
 * @param options The level, and where the lines go.
 * @returns The logger.
 * @throws {RangeError} If there is no such level.
 *
 * @example
 * ```ts
 * import { createProgramLogger, startTelemetry } from "@opossum/deno/telemetry";
 *
 * await using _telemetry = await startTelemetry({ serviceName: "course-management" });
 * const logger = createProgramLogger();
 * logger.log("info", "For openOpossum({ logger }) and serveApp({ logger })");
 * ```
 */
export function createProgramLogger(
  options: ProgramLoggerOptions = {},
): Logger {
  const { level = "info", write, env = Deno.env.get } = options;
  if (!isDenoTelemetryOn(env)) {
    const lines = createJsonLogger({ level, ...write ? { write } : {} });
    return combineLoggers(lines, createOtelLogger({ level }));
  }
  const lines = createJsonLogger({ level, write: write ?? writePastConsole });
  return isConsoleReplaced(env)
    ? combineLoggers(lines, consoleLogger(level))
    : lines;
}

/** What is written to the console goes to the collector alone, with the method's severity. */
function consoleLogger(levelMin: LogLevel): Logger {
  return {
    log(level, message, attributes = {}) {
      if (!isLevelWanted(level, levelMin)) return;
      // Deno's records have no attributes: they stand in the text.
      const text = JSON.stringify({ message, ...toOtelAttributes(attributes) });
      // deno-lint-ignore no-console -- Deno takes logs from there alone
      console[level](text);
    },
  };
}

const encoder = new TextEncoder();

function writePastConsole(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
}
