/**
 * The port through which everything is logged, and two implementations of it.
 *
 * @module
 */

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

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** What {@linkcode createJsonLogger} may be told. */
export interface JsonLoggerOptions {
  /** Records below this level are dropped. @default {"info"} */
  readonly level?: LogLevel;
  /** Takes one line without its line end. @default {standard error} */
  readonly write?: (line: string) => void;
}

/**
 * A logger that writes one JSON object a line: `time`, `level`, `message`, then the attributes.
 *
 * @param options Level and destination.
 * @returns The logger.
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
  // deno-lint-ignore no-console -- the one place that writes to the console
  const { level: levelMin = "info", write = (line) => console.error(line) } =
    options;
  return {
    log(level, message, attributes = {}) {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(levelMin)) return;
      const time = new Date().toISOString();
      // JSON escapes line ends and most control characters: one record stays one line.
      write(escapeInvisible(
        JSON.stringify({ time, level, message, ...attributes }, replaceErrors),
      ));
    },
  };
}

/**
 * Drops what a logger throws although it must not, as on a full disk: what is logged goes on.
 *
 * @param logger Any logger.
 * @returns One that does not throw.
 */
export function harmlessLogger(logger: Logger): Logger {
  return {
    log(level, message, attributes) {
      harmless(() => logger.log(level, message, attributes));
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
