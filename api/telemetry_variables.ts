/**
 * What the environment asks for. Without any import, so that a program that exports nothing loads
 * nothing for it.
 *
 * @module
 */

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

const LOG_VARIABLES = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
  "OTEL_LOGS_EXPORTER",
];

const EXPORT_VARIABLES = [
  ...LOG_VARIABLES,
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_TRACES_EXPORTER",
  "OTEL_METRICS_EXPORTER",
];

/**
 * Whether anything is to be exported.
 *
 * @param env Reads the environment.
 * @returns Whether a variable asks for it.
 */
export function asksForExport(env: Env): boolean {
  return !isDisabled(env) && isAnySet(EXPORT_VARIABLES, env);
}

/**
 * Whether logs may be exported: they are unless `OTEL_LOGS_EXPORTER` is `none`.
 *
 * @param env Reads the environment.
 * @returns Whether a variable asks for it.
 */
export function asksForLogs(env: Env): boolean {
  return isAnySet(LOG_VARIABLES, env);
}

/**
 * Whether all telemetry is turned off.
 *
 * @param env Reads the environment.
 * @returns Whether it is.
 */
export function isDisabled(env: Env): boolean {
  return isTrue(env("OTEL_SDK_DISABLED"));
}

/**
 * Whether Deno's own telemetry was asked for.
 *
 * @param env Reads the environment.
 * @returns Whether it was.
 */
export function isDenoTelemetryOn(env: Env): boolean {
  return isTrue(env("OTEL_DENO")) && !isDisabled(env);
}

/**
 * Whether Deno's own telemetry takes what is written to the console away from standard error.
 *
 * @param env Reads the environment.
 * @returns Whether it does.
 */
export function isConsoleReplaced(env: Env): boolean {
  return isDenoTelemetryOn(env) && env("OTEL_DENO_CONSOLE") === "replace";
}

/**
 * How often metrics are pushed, and how long that may take.
 *
 * @param env Reads the environment.
 * @returns Both, in milliseconds; the standard's defaults where a variable holds no such number.
 */
export function metricTiming(
  env: Env,
): {
  readonly exportIntervalMillis: number;
  readonly exportTimeoutMillis: number;
} {
  const exportIntervalMillis =
    milliseconds(env("OTEL_METRIC_EXPORT_INTERVAL")) ?? 60_000;
  const exportTimeoutMillis = milliseconds(env("OTEL_METRIC_EXPORT_TIMEOUT")) ??
    30_000;
  return {
    exportIntervalMillis,
    // The reader refuses one that is longer.
    exportTimeoutMillis: Math.min(exportTimeoutMillis, exportIntervalMillis),
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9][0-9]{0,8}$/.test(text.trim())
    ? Number(text)
    : undefined;
}

function isTrue(text: string | undefined): boolean {
  return text?.trim().toLowerCase() === "true";
}

function isAnySet(names: readonly string[], env: Env): boolean {
  return names.some((name) => !["", "none"].includes(env(name)?.trim() ?? ""));
}
