/**
 * How long requests take while everything is rebuilt, beside how long they take when nothing
 * happens: the status of the rebuild and a query of the sample, in turn, one at a time, over HTTP
 * to the sample's server in a process of its own.
 *
 * `deno task bench:latency [STORE | --events N] [--runs R]`: on a copy of STORE, or of N seeded
 * events (100,000); R rebuilds (10), each after as many requests as it then gets while idle.
 *
 * One request at a time means that a stall counts once, however long it is: mind the maximum. The
 * client needs a core as well.
 *
 * @module
 */
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { startServerProcess } from "./support/course_server.ts";
import {
  count,
  duration,
  note,
  print,
  printHeading,
  printTable,
  ratio,
} from "./support/report.ts";
import { median, quantile } from "./support/statistics.ts";

const PATHS = ["/admin/projections/status", "/courses?limit=10"];
/** Requests of each kind, at most, during one rebuild. */
const REQUESTS_MAX = 20_000;
/** Requests of each kind while idle, before each rebuild. */
const REQUESTS_IDLE = 200;

/** Durations of requests by path, in milliseconds. */
type Samples = ReadonlyMap<string, number[]>;

const { store, events: wanted, runs } = readArguments({
  events: 100_000,
  runs: 10,
});
using source = await makeBenchStore({ store, events: wanted });
await using server = await startServerProcess(source.path);

async function get(path: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${server.url}${path}`);
  await response.text();
  if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
  return performance.now() - startedMs;
}

/** Rebuilds, and returns how long that took, in milliseconds. */
async function rebuild(query: string): Promise<number> {
  const response = await fetch(
    `${server.url}/admin/projections/rebuild${query}`,
    {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=600" },
      body: "{}",
    },
  );
  const result: { duration?: number; success?: boolean } = await response
    .json();
  if (response.status !== 200 || !result.success) {
    throw new Error(`The rebuild was answered ${response.status}`);
  }
  return result.duration ?? 0;
}

/**
 * Requests each path in turn until told to stop. What was asked before that counts however late it
 * was answered: the last stall is as long as the others.
 */
async function request(
  samples: Samples,
  goesOn: (requests: number) => boolean,
): Promise<void> {
  for (let requests = 0; goesOn(requests); requests++) {
    for (const path of PATHS) {
      if (goesOn(requests)) samples.get(path)?.push(await get(path));
    }
  }
}

function noSamples(): Samples {
  return new Map(PATHS.map((path) => [path, []]));
}

const idle = noSamples();
const during = noSamples();
const alone: number[] = [];
const disturbed: number[] = [];

// The one at start-up is joined, and all code has run once before anything is measured.
await rebuild("");
await rebuild("?forceAll=true");
await request(noSamples(), (requests) => requests < REQUESTS_IDLE);

for (let run = 0; run < runs; run++) {
  await request(idle, (requests) => requests < REQUESTS_IDLE);
  alone.push(await rebuild("?forceAll=true"));
  let isRebuilding = true;
  const rebuilt = rebuild("?forceAll=true").finally(() => isRebuilding = false);
  await Promise.all([
    rebuilt.then((durationMs) => disturbed.push(durationMs)),
    request(
      during,
      (requests) => isRebuilding && requests < REQUESTS_MAX,
    ),
  ]);
  note(`${run + 1} of ${runs}: ${duration(disturbed.at(-1) ?? 0)}`);
}

function rows(path: string): string[][] {
  const [calm = [], busy = []] = [idle.get(path), during.get(path)];
  const cells = (samples: readonly number[]) => [
    count(samples.length),
    duration(quantile(samples, 0.5)),
    duration(quantile(samples, 0.99)),
    duration(Math.max(...samples)),
  ];
  return [
    [`${path}, idle`, ...cells(calm), "1.00", "1.00"],
    [
      `${path}, rebuilding`,
      ...cells(busy),
      ratio(quantile(busy, 0.5), quantile(calm, 0.5)),
      ratio(quantile(busy, 0.99), quantile(calm, 0.99)),
    ],
  ];
}

printHeading(
  `Requests while ${count(source.events)} events are rebuilt, ${runs} times`,
);
printTable(
  [
    "Request",
    "Requests",
    "p50",
    "p99",
    "Max",
    "p50 to idle",
    "p99 to idle",
  ],
  PATHS.flatMap(rows),
);
const [quiet, busy] = [median(alone), median(disturbed)];
print(
  `A rebuild takes ${duration(quiet)} without requests, ${duration(busy)} ` +
    `with them: ${ratio(busy, quiet)} times as long.`,
);
