/**
 * What telemetry costs a rebuild of the sample's four projections: off, as `serve` always has it
 * (metrics, scraped each second), and exported to a collector as well.
 *
 * `deno task bench:telemetry [STORE | --events N] [--runs R]`: measures a copy of STORE, or of N
 * seeded events (1,000,000); medians of R runs (7), each in a process of its own, the cases in
 * turn. The collector is this process: it only counts what it is sent.
 *
 * What it costs while nobody listens is too little to be seen in any number of runs, so it is
 * bounded: calls into OpenTelemetry's API during one rebuild that somebody listens to, of which a
 * rebuild that nobody listens to makes fewer, times what such a call takes at most.
 *
 * @module
 */
import { createNoopMeter, ProxyTracerProvider } from "@opentelemetry/api";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { runMeasured, type RunResult } from "./support/child.ts";
import {
  count,
  duration,
  note,
  print,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import { alternate, median } from "./support/statistics.ts";
import type { TelemetryRunResult } from "./telemetry_run.ts";

const MODES = ["off", "metrics", "export"] as const;
type Mode = typeof MODES[number];

const MEANINGS: Readonly<Record<Mode, string>> = {
  off: "off",
  metrics: "metrics, scraped each second",
  export: "the same, and traces, metrics and logs exported",
};

const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-net=127.0.0.1",
];

const { store, events: wanted, runs } = readArguments({
  events: 1_000_000,
  runs: 7,
});
using source = await makeBenchStore({ store, events: wanted });
const { path, events } = source;
let exported = 0;
await using collector = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    await request.arrayBuffer();
    exported++;
    return new Response();
  },
);
const endpoint = `http://127.0.0.1:${collector.addr.port}`;

async function measure(mode: string): Promise<TelemetryRunResult> {
  return await runMeasured<TelemetryRunResult>("bench/telemetry_run.ts", [
    path,
    mode,
    endpoint,
  ], PERMISSIONS);
}

const results = await alternate<Mode, TelemetryRunResult>(
  MODES,
  runs,
  async (mode, run) => {
    const result = await measure(mode);
    note(`${run + 1} of ${runs}, ${mode}: ${duration(result.duration)}`);
    return result;
  },
);
if (exported === 0) throw new Error("Nothing was exported");

function medianOf(mode: Mode, key: keyof RunResult): number {
  return median((results.get(mode) ?? []).map((result) => result[key]));
}

printHeading(
  `Telemetry during a rebuild of ${count(events)} events, medians of ${runs}`,
);
printTable(
  ["Telemetry", "Time", "min … max", "To off", "CPU", "CPU to off"],
  MODES.map((mode) => {
    const durations = (results.get(mode) ?? []).map(({ duration }) => duration);
    const range = [Math.min(...durations), Math.max(...durations)];
    return [
      MEANINGS[mode],
      duration(median(durations)),
      range.map(duration).join(" … "),
      ratio(median(durations), medianOf("off", "duration")),
      duration(medianOf(mode, "cpu")),
      ratio(medianOf(mode, "cpu"), medianOf("off", "cpu")),
    ];
  }),
);

/** What a call takes that nobody listens to, in milliseconds: the dearest kind, opening a span. */
function callDuration(): number {
  const tracer = new ProxyTracerProvider().getTracer("bench");
  const histogram = createNoopMeter().createHistogram("bench");
  const times = 1_000_000;
  const startMs = performance.now();
  for (let call = 0; call < times; call++) {
    tracer.startSpan("bench", { attributes: { "bench.call": call } }).end();
    histogram.record(call, { "bench.call": "1" });
  }
  return (performance.now() - startMs) / times;
}

const { calls } = await measure("counted");
const share = calls * callDuration() / medianOf("off", "duration") * 100;
print(
  `${count(calls)} calls into the API, of which each takes at most ` +
    `${(callDuration() * 1e6).toFixed(0)} ns while nobody listens: at most ${
      share.toFixed(4)
    } % of the rebuild.`,
);
