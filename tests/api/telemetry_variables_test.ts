import { assertEquals } from "@std/assert";
import {
  asksForExport,
  asksForLogs,
  isConsoleReplaced,
  isDenoTelemetryOn,
  metricTiming,
} from "../../api/telemetry_variables.ts";

/** Reads variables that are set so. */
function envOf(variables: Readonly<Record<string, string>>) {
  return (name: string) => variables[name];
}

Deno.test("asksForExport() and asksForLogs() ask for what the variables say", () => {
  const table: [Record<string, string>, boolean, boolean][] = [
    [{}, false, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, true, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318" }, true, false],
    [{ OTEL_METRICS_EXPORTER: "console" }, true, false],
    [{ OTEL_LOGS_EXPORTER: "console" }, true, true],
    [{ OTEL_LOGS_EXPORTER: "none" }, false, false],
    [{ OTEL_LOGS_EXPORTER: "otlp", OTEL_SDK_DISABLED: "True" }, false, true],
  ];
  for (const [variables, exports, logs] of table) {
    const env = envOf(variables);
    assertEquals(
      [asksForExport(env), asksForLogs(env)],
      [exports, logs],
      JSON.stringify(variables),
    );
  }
});

Deno.test("isDenoTelemetryOn() and isConsoleReplaced() are so only where Deno takes the variables so", () => {
  const table: [Record<string, string>, boolean, boolean][] = [
    [{ OTEL_DENO_CONSOLE: "replace" }, false, false],
    [{ OTEL_DENO: "false", OTEL_DENO_CONSOLE: "replace" }, false, false],
    [{ OTEL_DENO: "true", OTEL_DENO_CONSOLE: "replace" }, true, true],
    [{ OTEL_DENO: "TRUE" }, true, false],
    [{ OTEL_DENO: "true", OTEL_SDK_DISABLED: "true" }, false, false],
  ];
  for (const [variables, isOn, isReplaced] of table) {
    const env = envOf(variables);
    assertEquals(
      [isDenoTelemetryOn(env), isConsoleReplaced(env)],
      [isOn, isReplaced],
      JSON.stringify(variables),
    );
  }
});

Deno.test("metricTiming() reads how often metrics are pushed, and falls back on the standard's values", () => {
  const table: [string | undefined, string | undefined, number, number][] = [
    [undefined, undefined, 60_000, 30_000],
    ["5000", undefined, 5_000, 5_000],
    ["5000", "1000", 5_000, 1_000],
    ["0", "-1", 60_000, 30_000],
    ["soon", "", 60_000, 30_000],
  ];
  for (const [interval, timeout, intervalMs, timeoutMs] of table) {
    const env = (name: string) =>
      name === "OTEL_METRIC_EXPORT_INTERVAL" ? interval : timeout;
    assertEquals(metricTiming(env), {
      exportIntervalMillis: intervalMs,
      exportTimeoutMillis: timeoutMs,
    });
  }
});
