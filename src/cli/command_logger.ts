/**
 * Where the command line logs, and what of it.
 *
 * @module
 */
import {
  combineLoggers,
  createJsonLogger,
  type Logger,
  type LogLevel,
  parseLogLevel,
} from "../telemetry/logger.ts";
import { type CommandCall, type OptionValues, UsageError } from "./command.ts";

/** The variable that says what to log where no option does. */
const LEVEL_VARIABLE = "OPOSSUM_LOG_LEVEL";

/**
 * The logger of a command: JSON lines on standard error, and the process's own logger besides.
 *
 * @param call The call of the command.
 * @param levelMin What to write where neither an option nor the environment says it.
 * @returns The logger.
 * @throws {UsageError} If the environment names no level.
 */
export function commandLogger(
  { options, io }: Pick<CommandCall, "options" | "io">,
  levelMin: LogLevel = "warn",
): Logger {
  const { report, env, logger } = io;
  const level = levelOf(options) ?? levelFrom(env?.(LEVEL_VARIABLE)) ??
    levelMin;
  const lines = createJsonLogger({ level, write: report });
  return logger ? combineLoggers(lines, logger) : lines;
}

/**
 * The level that the options ask for.
 *
 * @param options The options.
 * @returns The level, or `undefined` when they ask for none.
 * @throws {UsageError} If there is no such level.
 */
export function levelOf(
  { "log-level": text, verbose = false }: OptionValues,
): LogLevel | undefined {
  if (text !== undefined) return read(text, "Option '--log-level'");
  return verbose ? "info" : undefined;
}

function levelFrom(text: string | undefined): LogLevel | undefined {
  // Set to nothing is not set, as usual.
  return text ? read(text, `Variable '${LEVEL_VARIABLE}'`) : undefined;
}

function read(text: string, name: string): LogLevel {
  try {
    return parseLogLevel(text, name);
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : "", {
      cause,
    });
  }
}
