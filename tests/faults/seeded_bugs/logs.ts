/**
 * Bugs of what logs tell, and of telemetry's place in a program.
 *
 * @module
 */
import type { SeededBug } from "./seeded_bug.ts";

const LOGGER = ["tests/telemetry/logger_test.ts"];
const BRIDGE = ["tests/telemetry/otel_logger_test.ts"];
const WITH_DENO = ["tests/telemetry/deno_processes_test.ts"];
const WITH_SDK = ["tests/telemetry/sdk_processes_test.ts"];

/** The bugs. */
export const LOG_BUGS: readonly SeededBug[] = [
  {
    name: "a field replaces the message of a log record",
    file: "src/telemetry/logger.ts",
    replace: "        ...{ time, level, message },\n      };",
    by: "      };",
    tests: LOGGER,
  },
  {
    name: "an exported log record tells the message of an error",
    file: "src/telemetry/otel_logger.ts",
    replace: "const type = classOf(value);",
    by: "const type = classOf(value) && String(value);",
    tests: BRIDGE,
  },
  {
    name: "exported log records have fields that stay on the machine",
    file: "src/telemetry/otel_logger.ts",
    replace: "} else if (attribute !== undefined && isPlain(value)) {\n" +
      "      attributes[attribute] = value;",
    by: "} else if (isPlain(value)) {\n" +
      "      attributes[attribute ?? name] = value;",
    tests: BRIDGE,
  },
  {
    name: "a request has two spans with Deno's telemetry",
    file: "api/tracing.ts",
    replace: "if (served) await next();\n      else await inSpan(",
    by: "await inSpan(",
    tests: WITH_DENO,
  },
  {
    name: "a request is measured twice with Deno's telemetry",
    file: "api/tracing.ts",
    replace: "if (!isMeasuredByDeno()) {",
    by: "void isMeasuredByDeno; {",
    tests: WITH_DENO,
  },
  {
    name: "Deno exports log lines with all that stays on the machine",
    file: "api/program_logger.ts",
    replace: "createJsonLogger({ level, write: write ?? writePastConsole })",
    by: "(void writePastConsole, createJsonLogger({ level }))",
    tests: WITH_DENO,
  },
  {
    name: "a collector that hangs holds up the end",
    file: "api/telemetry.ts",
    replace: "if (await isDoneWithin(stop(), shutdownTimeoutMs)) return;",
    by: "await stop(); if (await isDoneWithin(Promise.resolve(), 1)) return;",
    tests: WITH_SDK,
  },
  {
    name: "the command line ends before its telemetry is exported",
    file: "src/cli/main.ts",
    replace: "await using _telemetry = await startTelemetry(",
    by: "const _telemetry = await startTelemetry(",
    tests: ["tests/cli/telemetry_test.ts"],
  },
  {
    name: "requests are logged with their path",
    file: "api/request_log.ts",
    replace: "      route,\n      status,",
    by: "      route: context.req.path,\n      status,",
    tests: ["tests/api/request_log_test.ts"],
  },
];
