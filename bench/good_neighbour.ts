/**
 * What being a good neighbour does: how long appends take, and how late the event loop is, while
 * the four projections of the sample are rebuilt in the serving thread, which is where a rebuild
 * disturbs most; with `rebuildGoodNeighbour` off and on in turn, in one process.
 *
 * `deno task bench:neighbour [STORE | --events N] [--runs R]`: on a copy of STORE, or of N seeded
 * events (100,000); R pairs of rebuilds (3).
 *
 * The bounds are set to what the machine suffers from, so that the effect can be seen: 5 ms.
 *
 * @module
 */
import { openOpossum, silentLogger, systemClock } from "../mod.ts";
import * as projections from "../examples/course_management/projections.ts";
import { readArguments } from "./support/arguments.ts";
import { makeBenchStore } from "./support/bench_store.ts";
import { duration, printHeading, printTable, ratio } from "./support/report.ts";
import { median, quantile } from "./support/statistics.ts";

const BOUNDS = { eventLoopDelayMax: 5, appendDurationMax: 5, shareMin: 0.1 };
const APPEND_INTERVAL_MS = 5;

interface Measured {
  readonly rebuildMs: number;
  readonly appends: readonly number[];
  readonly late: readonly number[];
}

async function measure(
  path: string,
  rebuildGoodNeighbour: typeof BOUNDS | false,
): Promise<Measured> {
  await using opossum = await openOpossum({
    path,
    projections: Object.values(projections),
    startDaemon: false,
    rebuildGoodNeighbour,
    logger: silentLogger,
  });
  const appends: number[] = [];
  const late: number[] = [];
  let isRebuilding = true;
  const rebuilding = opossum.rebuilder.rebuildAll({ forceRebuild: true })
    .finally(() => isRebuilding = false);
  while (isRebuilding) {
    const sleptMs = performance.now();
    await systemClock.sleep(APPEND_INTERVAL_MS);
    late.push(performance.now() - sleptMs - APPEND_INTERVAL_MS);
    const startedMs = performance.now();
    await opossum.events.append([{ type: "Measured", data: {} }]);
    appends.push(performance.now() - startedMs);
  }
  const { success, duration: rebuildMs } = await rebuilding;
  if (!success) throw new Error("The rebuild failed");
  return { rebuildMs, appends, late };
}

const { store, events, runs } = readArguments({ events: 100_000, runs: 3 });
using source = await makeBenchStore({ store, events });
const NEVER = false;
await measure(source.path, NEVER);
const off: Measured[] = [];
const on: Measured[] = [];
for (let run = 0; run < runs; run++) {
  off.push(await measure(source.path, NEVER));
  on.push(await measure(source.path, BOUNDS));
}

function row(
  what: string,
  of: (measured: Measured) => number,
): string[] {
  const [without, withIt] = [median(off.map(of)), median(on.map(of))];
  return [
    what,
    duration(without),
    duration(withIt),
    ratio(withIt, without),
  ];
}

printHeading("A rebuild as a good neighbour");
printTable(["", "off", "on", "on/off"], [
  row("rebuild", ({ rebuildMs }) => rebuildMs),
  row("append, median", ({ appends }) => median(appends)),
  row("append, 99 %", ({ appends }) => quantile(appends, 0.99)),
  row("event loop late, median", ({ late }) => median(late)),
  row("event loop late, 99 %", ({ late }) => quantile(late, 0.99)),
]);
