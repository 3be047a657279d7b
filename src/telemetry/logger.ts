/**
 * The port through which everything is logged, and two implementations of it.
 *
 * @module
 */

import {
  isSpanContextValid,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { harmless } from "./harmless.ts";

/** How grave a record is, from least to most. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Named values that belong to a log record. Never keys of documents, payloads or tokens. */
export type LogAttributes = Readonly<Record<string, unknown>>;

/** Where log records go. Implement it to bridge to another logging library. */
export interface Logger {
  /**
   * Takes one record. Must not throw.
   *
   * @param level How grave it is.
   * @param message What happened, as a sentence.
   * @param attributes Values to filter and search by.
   */
  log(level: LogLevel, message: string, attributes?: LogAttributes): void;
}

/** The levels, from the least grave to the gravest. */
export const LOG_LEVELS: readonly LogLevel[] = Object.freeze(
  ["debug", "info", "warn", "error"] as const,
);

/**
 * Reads a level that somebody wrote.
 *
 * @param text What was written.
 * @param name What it was written for, in the message: `"Variable 'OPOSSUM_LOG_LEVEL'"`.
 * @returns The level.
 * @throws {RangeError} If it is none; names the levels there are.
 *
 * @example
 * ```ts
 * import { parseLogLevel } from "@opossum/deno";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(parseLogLevel("warn", "Option '--log-level'"), "warn");
 * assertThrows(() => parseLogLevel("loud", "Option '--log-level'"), RangeError);
 * ```
 */
export function parseLogLevel(text: string, name: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new RangeError(
    `${name} must be "debug", "info", "warn" or "error": current value is ${
      JSON.stringify(text)
    }`,
  );
}

/**
 * Whether records of a level are wanted.
 *
 * @param level The level.
 * @param levelMin The least grave one that is wanted.
 * @returns Whether it is as grave as that.
 *
 * @example
 * ```ts
 * import { isLevelWanted } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(isLevelWanted("info", "warn"), false);
 * assertEquals(isLevelWanted("error", "warn"), true);
 * ```
 */
export function isLevelWanted(level: LogLevel, levelMin: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(levelMin);
}

/** What {@linkcode createJsonLogger} may be told. */
export interface JsonLoggerOptions {
  /** Records below this level are dropped. @default {"info"} */
  readonly level?: LogLevel;
  /**
   * Takes one line without its line end.
   * @default {standard error, through `console.warn()` for warnings and `console.error()`}
   */
  readonly write?: (line: string, level: LogLevel) => void;
}

/**
 * A logger that writes one JSON object a line: `time`, `level`, `message`, then the attributes,
 * and `traceId` and `spanId` where a span is active.
 *
 * @param options Level and destination.
 * @returns The logger.
 * @throws {RangeError} If there is no such level.
 *
 * @example
 * ```ts
 * import { createJsonLogger } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const logger = createJsonLogger({ level: "warn", write: (line) => lines.push(line) });
 * logger.log("info", "Not grave enough");
 * logger.log("warn", "Projection faulted", { projection: "CourseDetails" });
 * assertEquals(JSON.parse(lines[0]!).projection, "CourseDetails");
 * ```
 */
export function createJsonLogger(options: JsonLoggerOptions = {}): Logger {
  const { level: levelMin = "info", write = writeToStderr } = options;
  parseLogLevel(levelMin, "Option 'level'");
  return {
    log(level, message, attributes) {
      if (!isLevelWanted(level, levelMin)) return;
      const time = new Date().toISOString();
      // What belongs to every record is not for attributes of the same name to replace.
      const record = {
        ...{ time, level, message },
        ...withTraceContext(attributes),
        ...{ time, level, message },
      };
      // JSON escapes line ends and most control characters: one record stays one line.
      write(escapeInvisible(JSON.stringify(record, replaceErrors)), level);
    },
  };
}

/** Deno's own telemetry takes the severity from the method; both of these write to stderr. */
function writeToStderr(line: string, level: LogLevel): void {
  // deno-lint-ignore no-console -- the one place that writes to the console
  if (level === "warn") console.warn(line);
  // deno-lint-ignore no-console -- as above
  else console.error(line);
}

/**
 * Adds what a record needs to be found from its trace, and its trace from it.
 *
 * @param attributes The record's own.
 * @returns They, with `traceId` and `spanId` of the active span if there is one.
 */
function withTraceContext(
  attributes: LogAttributes | undefined,
): LogAttributes | undefined {
  let spanContext: SpanContext | undefined;
  harmless(() => spanContext = trace.getActiveSpan()?.spanContext());
  if (spanContext === undefined || !isSpanContextValid(spanContext)) {
    return attributes;
  }
  const { traceId, spanId } = spanContext;
  // A record that has them was passed on by another logger.
  return { traceId, spanId, ...attributes };
}

/**
 * What this library gives every logger that it is handed: records with their trace context, and
 * nothing thrown where it must not be, as on a full disk. What is logged goes on.
 *
 * @param logger Any logger.
 * @returns One that does not throw; `silentLogger` stays itself, so that nobody works for it.
 */
export function libraryLogger(logger: Logger): Logger {
  if (logger === silentLogger) return logger;
  return {
    log(level, message, attributes) {
      harmless(() => logger.log(level, message, withTraceContext(attributes)));
    },
  };
}

/**
 * A logger that hands each record to several others.
 *
 * @param loggers They, in their order.
 * @returns The logger. One of them that throws keeps none of the others from its record.
 *
 * @example
 * ```ts
 * import { combineLoggers, createJsonLogger } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const grave = createJsonLogger({ level: "error", write: (line) => lines.push(line) });
 * const all = createJsonLogger({ level: "debug", write: (line) => lines.push(line) });
 * combineLoggers(grave, all).log("info", "Taken by one of the two");
 * assertEquals(lines.length, 1);
 * ```
 */
export function combineLoggers(...loggers: readonly Logger[]): Logger {
  return {
    log(level, message, attributes) {
      for (const logger of loggers) {
        harmless(() => logger.log(level, message, attributes));
      }
    },
  };
}

/** A logger that drops everything. */
export const silentLogger: Logger = { log() {} };

/**
 * What JSON leaves as it is, but terminals and editors obey: control characters from DEL on,
 * separators of lines, and marks that turn the direction of reading.
 */
const INVISIBLE =
  /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** In JSON they can stand in texts only, where an escape means the same. */
function escapeInvisible(json: string): string {
  return json.replace(
    INVISIBLE,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function replaceErrors(_key: string, value: unknown): unknown {
  return value instanceof Error
    ? { name: value.name, message: value.message }
    : value;
}
