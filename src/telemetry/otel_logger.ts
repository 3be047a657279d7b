/**
 * The bridge from the log port to OpenTelemetry's logs.
 *
 * @module
 */
import {
  type Attributes,
  type Logger as OtelLogger,
  type LoggerProvider,
  logs,
  SeverityNumber,
} from "@opentelemetry/api";
import { errorType, stackFrames } from "./error_type.ts";
import { harmless } from "./harmless.ts";
import { LOG_FIELDS, type LogFieldDefinition } from "./log_fields.ts";
import {
  isLevelWanted,
  type LogAttributes,
  type Logger,
  type LogLevel,
  parseLogLevel,
} from "./logger.ts";
import { PACKAGE_NAME, VERSION } from "./manifest.ts";
import { ATTRIBUTES } from "./names.ts";

/** What {@linkcode createOtelLogger} may be told. */
export interface OtelLoggerOptions {
  /** Records below this level are dropped. @default {"info"} */
  readonly level?: LogLevel;
}

const SEVERITIES: Readonly<Record<LogLevel, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/**
 * A logger that hands records to OpenTelemetry: message, severity, the trace context, and those of
 * the fields in `LOG_FIELDS` that may leave the machine. Of an error that is its class and where
 * it was thrown, never its message. Fields that are not in the list are left out. Without an SDK
 * that takes logs it does next to nothing.
 *
 * @param options The level.
 * @returns The logger. It never throws, and never waits for the collector.
 * @throws {RangeError} If there is no such level.
 *
 * @example
 * ```ts
 * import { combineLoggers, createJsonLogger } from "@opossum/deno";
 * import { createOtelLogger } from "@opossum/deno/telemetry";
 *
 * // For `openOpossum({ logger })`: to standard error, and to the collector if there is one.
 * const logger = combineLoggers(createJsonLogger(), createOtelLogger());
 * logger.log("info", "Both take it", { projection: "CourseDetails" });
 * ```
 */
export function createOtelLogger(options: OtelLoggerOptions = {}): Logger {
  const { level: levelMin = "info" } = options;
  parseLogLevel(levelMin, "Option 'level'");
  const source = new OtelLoggerSource();
  return {
    log(level, message, attributes = {}) {
      if (!isLevelWanted(level, levelMin)) return;
      harmless(() => {
        const logger = source.logger();
        const severityNumber = SEVERITIES[level];
        if (!logger.enabled({ severityNumber })) return;
        logger.emit({
          severityNumber,
          severityText: level.toUpperCase(),
          body: message,
          attributes: toOtelAttributes(attributes) as Attributes,
        });
      });
    },
  };
}

/** Asks for the logger anew when another provider was registered. */
class OtelLoggerSource {
  #provider: LoggerProvider | undefined;
  #logger: OtelLogger | undefined;

  logger(): OtelLogger {
    const provider = logs.getLoggerProvider();
    if (this.#logger === undefined || provider !== this.#provider) {
      this.#provider = provider;
      this.#logger = provider.getLogger(PACKAGE_NAME, VERSION);
    }
    return this.#logger;
  }
}

/**
 * What of a record's fields may leave the machine, under the names it has there.
 *
 * @param fields The fields.
 * @returns The attributes.
 *
 * @example
 * ```ts
 * import { toOtelAttributes } from "@opossum/deno";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   toOtelAttributes({ projection: "CourseDetails", path: "/home/ada/data" }),
 *   { "opossum.projection.name": "CourseDetails" },
 * );
 * ```
 */
export function toOtelAttributes(
  fields: LogAttributes,
): Record<string, string | number | boolean | readonly string[]> {
  const attributes: ReturnType<typeof toOtelAttributes> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!Object.hasOwn(LOG_FIELDS, name)) continue;
    const field: LogFieldDefinition = LOG_FIELDS[
      name as keyof typeof LOG_FIELDS
    ];
    const { attribute } = field;
    if (attribute === ATTRIBUTES.errorType) {
      const type = classOf(value);
      const frames = stackFrames(value);
      if (type !== undefined) attributes[attribute] = type;
      if (frames !== undefined) attributes["exception.stacktrace"] = frames;
    } else if (attribute !== undefined && isPlain(value)) {
      attributes[attribute] = value;
    }
  }
  return attributes;
}

/** Class of an error or of what is told of one; texts are messages, and tell none. */
function classOf(error: unknown): string | undefined {
  if (error instanceof Error) return errorType(error);
  const name = typeof error === "object" && error !== null && "name" in error
    ? error.name
    : undefined;
  return typeof name === "string" && /^[\w$.]{1,128}$/.test(name)
    ? name
    : undefined;
}

function isPlain(
  value: unknown,
): value is string | number | boolean | readonly string[] {
  return typeof value === "string" || typeof value === "number" ||
    typeof value === "boolean" ||
    Array.isArray(value) && value.every((each) => typeof each === "string");
}
