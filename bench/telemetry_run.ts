/**
 * Rebuilds the sample's projections once with telemetry off, on, or counted, and prints what it
 * took as one JSON line: run it in a process of its own.
 *
 * `deno run --allow-read --allow-write --allow-env --allow-sys --allow-net=127.0.0.1
 * bench/telemetry_run.ts STORE off|metrics|export|counted [ENDPOINT]`
 *
 * @module
 */
import { metrics, trace } from "@opentelemetry/api";
import {
  createOtelLogger,
  startTelemetry,
  type Telemetry,
} from "../api/telemetry.ts";
import { systemClock } from "../mod.ts";
import { type RebuildRunResult, runRebuild } from "./rebuild_run.ts";
import { CallCounter } from "./support/call_counter.ts";

/** What one run took, with what telemetry was asked for. */
export interface TelemetryRunResult extends RebuildRunResult {
  /** Calls into OpenTelemetry's API; 0 unless they were counted. */
  readonly calls: number;
}

/** As often as Prometheus often is told to. */
const SCRAPE_MS = 1_000;

async function scrape(
  telemetry: Telemetry,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(SCRAPE_MS, signal);
    await telemetry.metrics();
  }
}

async function run(
  path: string,
  mode: string,
  endpoint: string,
): Promise<TelemetryRunResult> {
  switch (mode) {
    case "off":
      return { ...await runRebuild(path, {}, []), calls: 0 };
    case "counted": {
      const counter = new CallCounter();
      trace.setGlobalTracerProvider(counter.tracerProvider);
      metrics.setGlobalMeterProvider(counter.meterProvider);
      const result = await runRebuild(path, {}, []);
      return { ...result, calls: counter.calls };
    }
    default: {
      const env = new Map(
        mode === "export" ? [["OTEL_EXPORTER_OTLP_ENDPOINT", endpoint]] : [],
      );
      // The SDK itself reads the environment of the process.
      for (const [name, value] of env) Deno.env.set(name, value);
      await using telemetry = await startTelemetry({
        serviceName: "opossum-bench",
      });
      const end = new AbortController();
      const scraping = scrape(telemetry, end.signal);
      const options = mode === "export" ? { logger: createOtelLogger() } : {};
      const result = await runRebuild(path, options, []);
      end.abort();
      await scraping;
      return { ...result, calls: 0 };
    }
  }
}

if (import.meta.main) {
  const [path, mode, endpoint = ""] = Deno.args;
  if (path === undefined || mode === undefined) {
    throw new Error("Which store, and how?");
  }
  // deno-lint-ignore no-console -- its only output
  console.log(JSON.stringify(await run(path, mode, endpoint)));
}
