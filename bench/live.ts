/**
 * Live updates: how fast they apply events beside a rebuild and the yardstick, how soon an event
 * is visible, and what live updates and a rebuild cost each other when both run.
 *
 * `deno task bench:live [STORE | --events N] [--runs R]`: applies N events (50,000) to an empty
 * store in each way; then disturbs rebuilds of a copy of STORE, or of N seeded events. Everything
 * R times (3) in one process, whose code is warm from the second time on.
 *
 * The load during a rebuild is all that one caller can give, who waits for each append to be
 * visible before the next: the worst case for the rebuild.
 *
 * @module
 */
import { join } from "node:path";
import {
  EVENTS_MAX,
  generateEvents,
  seedStore,
} from "../examples/course_management/seeder.ts";
import {
  openOpossum,
  type Opossum,
  type OpossumOptions,
  silentLogger,
} from "../mod.ts";
import { measureFloor } from "./floor.ts";
import { readArguments } from "./support/arguments.ts";
import { BenchFolder, makeBenchStore } from "./support/bench_store.ts";
import {
  BareAppend,
  type LiveDurations,
  LiveLoad,
} from "./support/live_load.ts";
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

const BATCH_SIZE = 1_000;
/** What is appended during one rebuild at most: the rebuild has to catch up with it. */
const BATCHES_MAX = 50;
const SINGLES_MAX = 2_000;
/** Repetitions while nothing is rebuilt, before each rebuild. */
const BATCHES_ALONE = 20;
const SINGLES_ALONE = 200;

const PROJECTIONS = import.meta.resolve(
  "../examples/course_management/projections.ts",
);

const { store, events: wanted, runs } = readArguments({
  events: 50_000,
  runs: 3,
});

async function open(
  path: string,
  options: Partial<OpossumOptions> = {},
): Promise<Opossum> {
  const opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    logger: silentLogger,
    ...options,
  });
  await opossum.daemon.whenStarted();
  return opossum;
}

/** Rebuilds everything, and returns the milliseconds per 1,000 events. */
async function rebuild({ rebuilder }: Opossum): Promise<number> {
  const startedMs = performance.now();
  const { success, details } = await rebuilder.rebuildAll({
    forceRebuild: true,
  });
  if (!success) throw new Error(JSON.stringify(details));
  const events = Math.max(...details.map(({ checkpoint }) => checkpoint));
  return (performance.now() - startedMs) / events * 1_000;
}

// ── Applying, in each way, to an empty store ──

const yardsticks: number[] = [];
const rebuilds: number[] = [];
const catchUps: number[] = [];
const lives: number[] = [];
const liveBatches: LiveDurations[] = [];

async function applyLive(path: string): Promise<void> {
  await using opossum = await open(path);
  const load = new LiveLoad(opossum, generateEvents({ events: wanted }));
  let sum = 0;
  for (let events = 0; events < wanted; events += BATCH_SIZE) {
    const batch = await load.batch(BATCH_SIZE);
    liveBatches.push(batch);
    sum += batch.visible;
  }
  lives.push(sum / wanted * 1_000);
}

async function applyBehind(path: string): Promise<void> {
  await using opossum = await open(path, { startDaemon: false });
  const { events, daemon, projections } = opossum;
  // Built from nothing: all that follows is applied live.
  await rebuildEmpty(opossum);
  await seedStore(events, { events: wanted });
  const startedMs = performance.now();
  await daemon.start();
  await projections.waitFor(wanted);
  catchUps.push((performance.now() - startedMs) / wanted * 1_000);
  rebuilds.push(await rebuild(opossum));
  yardsticks.push(measureFloor(path).duration / wanted * 1_000);
}

async function rebuildEmpty({ rebuilder }: Opossum): Promise<void> {
  const { totalRebuilt } = await rebuilder.rebuildAll();
  if (totalRebuilt !== 4) throw new Error("Not all were built");
}

for (let run = 0; run < runs; run++) {
  using folder = new BenchFolder();
  await applyLive(join(folder.path, "live"));
  await applyBehind(join(folder.path, "behind"));
  note(`Applying, ${run + 1} of ${runs}: ${duration(lives.at(-1) ?? 0)}`);
}

printHeading(
  `Applying ${count(wanted)} events to four projections, medians of ${runs}`,
);
printTable(
  ["How", "Per 1,000 events", "Events/s", "To a rebuild", "To yardstick"],
  ([
    ["yardstick (plain loop)", yardsticks],
    ["rebuild", rebuilds],
    ["live: the daemon catches up", catchUps],
    ["live: append of 1,000 until visible", lives],
  ] as const).map(([name, values]) => {
    const time = median(values);
    return [
      name,
      duration(time),
      count(1_000_000 / time),
      ratio(time, median(rebuilds)),
      ratio(time, median(yardsticks)),
    ];
  }),
);
const appended = median(liveBatches.map((batch) => batch.appended));
print(`Of the last, appending takes ${duration(appended)}.\n`);

// ── Live updates and a rebuild at the same time ──

using source = await makeBenchStore({ store, events: wanted });
await using opossum = await open(source.path);
using bare = new BareAppend(join(source.path, "bare"));
const load = new LiveLoad(
  opossum,
  generateEvents({ events: EVENTS_MAX, seed: 8 }),
);

/** A kind of load: what it took alone and during rebuilds, and what it did to these. */
interface Load {
  readonly name: string;
  readonly alonePerRun: number;
  readonly duringMax: number;
  readonly run: () => Promise<LiveDurations>;
  readonly alone: LiveDurations[];
  readonly during: LiveDurations[];
  /** Milliseconds per 1,000 events of a rebuild. */
  readonly rebuilds: number[];
  /** Share of each rebuild that was disturbed. */
  readonly shares: number[];
}

const batchLoad: Load = {
  name: `${count(BATCH_SIZE)} events`,
  alonePerRun: BATCHES_ALONE,
  duringMax: BATCHES_MAX,
  run: () => load.batch(BATCH_SIZE),
  alone: [],
  during: [],
  rebuilds: [],
  shares: [],
};
const singleLoad: Load = {
  ...batchLoad,
  name: "one event",
  alonePerRun: SINGLES_ALONE,
  duringMax: SINGLES_MAX,
  run: () => load.single(),
  alone: [],
  during: [],
  rebuilds: [],
  shares: [],
};
const bareAppends: number[] = [];
const undisturbed: number[] = [];

async function disturb(kind: Load): Promise<void> {
  const startedMs = performance.now();
  let isRebuilding = true;
  let endedMs = 0;
  const rebuilt = rebuild(opossum).finally(() => {
    endedMs = performance.now();
    isRebuilding = false;
  });
  for (let runs = 0; isRebuilding && runs < kind.duringMax; runs++) {
    kind.during.push(await kind.run());
  }
  const loadedMs = performance.now() - startedMs;
  kind.rebuilds.push(await rebuilt);
  kind.shares.push(Math.min(loadedMs / (endedMs - startedMs), 1));
}

for (let run = 0; run < runs; run++) {
  for (const kind of [batchLoad, singleLoad]) {
    for (let i = 0; i < kind.alonePerRun; i++) {
      kind.alone.push(await kind.run());
    }
    await disturb(kind);
  }
  for (let i = 0; i < SINGLES_ALONE; i++) bareAppends.push(await bare.append());
  undisturbed.push(await rebuild(opossum));
  note(
    `Rebuilding, ${run + 1} of ${runs}: ${duration(undisturbed.at(-1) ?? 0)}`,
  );
}

function row(
  name: string,
  samples: readonly number[],
  base: readonly number[],
): string[] {
  return [
    name,
    count(samples.length),
    duration(quantile(samples, 0.5)),
    duration(quantile(samples, 0.99)),
    duration(Math.max(...samples)),
    ratio(quantile(samples, 0.5), quantile(base, 0.5)),
    ratio(quantile(samples, 0.99), quantile(base, 0.99)),
  ];
}

printHeading(
  `Live updates while ${
    count(source.events)
  } events are rebuilt, ${runs} times`,
);
printTable(
  ["What", "Times", "p50", "p99", "Max", "p50 to alone", "p99 to alone"],
  [
    row("a bare append and fdatasync", bareAppends, bareAppends),
    ...[singleLoad, batchLoad].flatMap(({ name, alone, during }) =>
      (["appended", "visible"] as const).flatMap((key) => {
        const base = alone.map((durations) => durations[key]);
        const disturbed = during.map((durations) => durations[key]);
        return [
          row(`${name} ${key}`, base, base),
          row(`${name} ${key}, rebuilding`, disturbed, base),
        ];
      })
    ),
  ],
);
printTable(
  ["Rebuild", "Per 1,000 events", "To undisturbed", "Disturbed"],
  [
    ["undisturbed", duration(median(undisturbed)), "1.00", "0 %"],
    ...[singleLoad, batchLoad].map(({ name, rebuilds, shares }) => [
      `${name} at a time, one after the other`,
      duration(median(rebuilds)),
      ratio(median(rebuilds), median(undisturbed)),
      `${Math.round(median(shares) * 100)} %`,
    ]),
  ],
);
