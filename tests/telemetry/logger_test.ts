import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { context, trace } from "@opentelemetry/api";
import {
  createJsonLogger,
  type JsonLoggerOptions,
  LOG_LEVELS,
  type LogLevel,
  parseLogLevel,
} from "../../mod.ts";
import { libraryLogger } from "../../src/telemetry/logger.ts";
import { registerOtel } from "./otel_fixture.ts";

/** What a JSON logger writes. */
function written(options: JsonLoggerOptions = {}) {
  const lines: string[] = [];
  const logger = createJsonLogger({
    ...options,
    write: (line) => lines.push(line),
  });
  return { logger, records: () => lines.map((line) => JSON.parse(line)) };
}

Deno.test("createJsonLogger() writes what is as grave as its level, and no less", () => {
  for (const [at, level] of LOG_LEVELS.entries()) {
    const { logger, records } = written({ level });
    for (const each of LOG_LEVELS) logger.log(each, `A ${each}`);
    assertEquals(
      records().map(({ level }) => level),
      LOG_LEVELS.slice(at),
    );
  }
});

Deno.test("createJsonLogger() keeps its own fields when attributes have the same names", () => {
  const { logger, records } = written();
  logger.log("warn", "Projection faulted", {
    message: "bad payload",
    level: "high",
    time: "noon",
    projection: "One",
  });
  const [{ time, ...rest }] = records();
  assertEquals(rest, {
    level: "warn",
    message: "Projection faulted",
    projection: "One",
  });
  assertGreater(Date.parse(time), 0);
});

Deno.test("createJsonLogger() refuses a level that there is not", () => {
  assertThrows(
    () => createJsonLogger({ level: "verbose" as LogLevel }),
    RangeError,
    `Option 'level' must be "debug", "info", "warn" or "error": current value is "verbose"`,
  );
});

Deno.test("parseLogLevel() takes the levels alone, and names what it was written for", () => {
  for (const level of LOG_LEVELS) {
    assertEquals(parseLogLevel(level, "X"), level);
  }
  for (const text of ["", "INFO", "trace", "constructor"]) {
    assertThrows(() => parseLogLevel(text, "Variable 'X'"), RangeError, "'X'");
  }
});

Deno.test("records made while a span is active bear its trace and span, from any logger", async () => {
  await using otel = registerOtel();
  const { logger, records } = written();
  const given: unknown[] = [];
  const own = libraryLogger({
    log: (_l, _m, attributes) => given.push(attributes),
  });
  const span = trace.getTracer("test").startSpan("work");
  logger.log("info", "Before");
  context.with(trace.setSpan(context.active(), span), () => {
    logger.log("info", "Within", { projection: "One" });
    own.log("info", "Within", { projection: "One" });
    // Passed from one to the other: not twice.
    libraryLogger(logger).log("info", "Within");
  });
  own.log("info", "After", { projection: "One" });
  span.end();
  const { traceId, spanId } = otel.spans()[0]?.spanContext() ?? {};
  const ids = { traceId, spanId };
  assertEquals(records().map(({ time: _, ...rest }) => rest), [
    { level: "info", message: "Before" },
    { level: "info", message: "Within", ...ids, projection: "One" },
    { level: "info", message: "Within", ...ids },
  ]);
  assertEquals(given, [{ ...ids, projection: "One" }, { projection: "One" }]);
});

Deno.test("libraryLogger() goes on when a logger throws", () => {
  const logger = libraryLogger({
    log() {
      throw new Error("No space left on device");
    },
  });
  logger.log("error", "Lost");
});
