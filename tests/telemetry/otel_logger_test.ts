import { assert, assertEquals, assertThrows } from "@std/assert";
import { context, logs, SeverityNumber, trace } from "@opentelemetry/api";
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import {
  combineLoggers,
  createOtelLogger,
  LOG_FIELDS,
  LOG_LEVELS,
  type LogLevel,
  toOtelAttributes,
} from "../../mod.ts";
import { libraryLogger } from "../../src/telemetry/logger.ts";
import { registerOtel } from "./otel_fixture.ts";

/** Registers an SDK for logs that keeps them. */
function registerLogs() {
  const exporter = new InMemoryLogRecordExporter();
  const processor = new SimpleLogRecordProcessor({ exporter });
  const provider = new LoggerProvider({ processors: [processor] });
  logs.setGlobalLoggerProvider(provider);
  return {
    records: () => exporter.getFinishedLogRecords(),
    async [Symbol.asyncDispose]() {
      logs.disable();
      await provider.shutdown();
    },
  };
}

Deno.test("createOtelLogger() hands on message, severity and attributes by their OpenTelemetry names", async () => {
  // Made before: programs register their SDK when they like.
  const logger = createOtelLogger({ level: "debug" });
  logger.log("info", "Nobody hears this");
  await using otel = registerLogs();
  logger.log("warn", "Rebuild of projection 'One' cancelled", {
    operationId: "0a1b",
    projection: "One",
    durationMs: 12,
  });
  const [record, ...others] = otel.records();
  assertEquals(others, []);
  assertEquals(
    [
      record?.body,
      record?.severityNumber,
      record?.severityText,
      record?.instrumentationScope.name,
      record?.attributes,
    ],
    [
      "Rebuild of projection 'One' cancelled",
      SeverityNumber.WARN,
      "WARN",
      "@opossum/deno",
      {
        "opossum.operation.id": "0a1b",
        "opossum.projection.name": "One",
        "opossum.duration_ms": 12,
      },
    ],
  );
});

Deno.test("createOtelLogger() gives records the trace and span they are made in, once", async () => {
  await using otel = registerOtel();
  await using kept = registerLogs();
  const logger = libraryLogger(createOtelLogger());
  const span = trace.getTracer("test").startSpan("work");
  context.with(
    trace.setSpan(context.active(), span),
    () => logger.log("info", "Within"),
  );
  span.end();
  const [record] = kept.records();
  const { traceId, spanId } = otel.spans()[0]?.spanContext() ?? {};
  assertEquals(
    [record?.spanContext?.traceId, record?.spanContext?.spanId],
    [traceId, spanId],
  );
  assertEquals(record?.attributes, {});
});

Deno.test("createOtelLogger() drops what is below its level, and refuses levels that there are not", async () => {
  await using kept = registerLogs();
  const logger = createOtelLogger({ level: "warn" });
  for (const level of LOG_LEVELS) logger.log(level, level);
  assertEquals(kept.records().map(({ body }) => body), ["warn", "error"]);
  assertThrows(
    () => createOtelLogger({ level: "loud" as LogLevel }),
    RangeError,
  );
});

Deno.test("createOtelLogger() goes on when the SDK throws", () => {
  logs.setGlobalLoggerProvider({
    getLogger: () => {
      throw new Error("No memory");
    },
  });
  try {
    createOtelLogger().log("error", "Lost");
  } finally {
    logs.disable();
  }
});

Deno.test("toOtelAttributes() tells of an error its class and places, never its message", () => {
  const told = toOtelAttributes({
    error: new RangeError("secret payload"),
    stack: "RangeError: secret payload",
  });
  assertEquals(told["error.type"], "RangeError");
  assert(String(told["exception.stacktrace"]).includes("otel_logger_test.ts"));
  const failure = { name: "SyntaxError", message: "secret", position: 3 };
  assertEquals(toOtelAttributes({ error: failure }), {
    "error.type": "SyntaxError",
  });
  // Texts are messages.
  assertEquals(toOtelAttributes({ error: "secret" }), {});
  assert(!JSON.stringify(told).includes("secret"));
});

Deno.test("toOtelAttributes() leaves out what stays on the machine, what is not in the list, and what is nothing", () => {
  const all = Object.fromEntries(
    Object.keys(LOG_FIELDS).map((name) => [name, "secret"]),
  );
  const kept = Object.keys(toOtelAttributes(all));
  for (const name of ["path", "client", "principal", "damage", "keptAt"]) {
    assert(name in LOG_FIELDS && !kept.some((key) => key.includes(name)), name);
  }
  assertEquals(
    toOtelAttributes({
      key: "secret",
      toString: "secret",
      retryAt: null,
      route: undefined,
      generation: { secret: true },
      projections: ["One", "Two"],
    }),
    { "opossum.projection.names": ["One", "Two"] },
  );
});

Deno.test("combineLoggers() gives every logger every record, also when one throws", () => {
  const said: string[] = [];
  const logger = combineLoggers(
    { log: (_level, message) => said.push(`a ${message}`) },
    {
      log() {
        throw new Error("No space left on device");
      },
    },
    { log: (_level, message) => said.push(`b ${message}`) },
  );
  logger.log("info", "one");
  assertEquals(said, ["a one", "b one"]);
});
