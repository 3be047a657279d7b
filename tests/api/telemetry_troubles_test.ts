import { assert, assertEquals, assertRejects } from "@std/assert";
import { diag } from "@opentelemetry/api";
import { startTelemetry } from "../../api/telemetry.ts";
import { isDoneWithin, tellOfTroubles } from "../../api/telemetry_troubles.ts";
import { MemoryLogger } from "../log/support.ts";

Deno.test("tellOfTroubles() logs each complaint once, as a warning, and no more than a few", () => {
  const logger = new MemoryLogger();
  tellOfTroubles(logger);
  try {
    const error = new TypeError("connect ECONNREFUSED");
    diag.error("It failed", error);
    diag.error("It failed again", error);
    diag.error(JSON.stringify({ message: "Bad Gateway", stack: "…" }));
    diag.warn("Unknown exporter", "x");
    diag.info("All is well");
    assertEquals(
      logger.records.map(({ level, attributes }) => [level, attributes.error]),
      [["warn", error], ["warn", "Bad Gateway"], [
        "warn",
        "Unknown exporter x",
      ]],
    );
    for (let i = 0; i < 100; i++) diag.error(`Trouble ${i}`);
    assertEquals(logger.records.length, 20);
  } finally {
    diag.disable();
  }
});

Deno.test("isDoneWithin() says whether it was done, and rejects as it does", async () => {
  const never = new Promise<void>(() => {});
  const answers = [
    await isDoneWithin(Promise.resolve(), 3_600_000),
    await isDoneWithin(never, 1),
  ];
  assertEquals(answers, [true, false]);
  await assertRejects(
    () => isDoneWithin(Promise.reject(new RangeError("No")), 3_600_000),
    RangeError,
    "No",
  );
});

Deno.test("startTelemetry() refuses times for its end that are out of range", async () => {
  for (const shutdownTimeoutMs of [0, 600_001, 1.5]) {
    await assertRejects(
      () =>
        startTelemetry({
          serviceName: "test",
          env: () => undefined,
          shutdownTimeoutMs,
        }),
      RangeError,
      "shutdownTimeoutMs",
    );
  }
});

Deno.test("startTelemetry() says what it cannot make of the environment, and serves its metrics all the same", async () => {
  const logger = new MemoryLogger();
  await using telemetry = await startTelemetry({
    serviceName: "test",
    logger,
    // Looked at here alone: the SDK looks at the process, which exports nothing.
    env: (name) => name === "OTEL_METRICS_EXPORTER" ? "smoke" : undefined,
  });
  assert(telemetry.isExporting);
  assertEquals(
    logger.records.map(({ attributes }) => attributes.error),
    ["OTEL_METRICS_EXPORTER holds an unknown exporter: smoke"],
  );
  assert((await telemetry.metrics()).includes("target_info"));
});
