/**
 * Durable appends beside bare files that are written and synced as often, conditional appends
 * beside unconditional ones, and opening.
 *
 * By default over a small log that is seeded here. `OPOSSUM_BENCH_STORE=PATH` takes a copy of the
 * store in that folder, `OPOSSUM_BENCH_EVENTS=1000000` seeds as many:
 *
 * `OPOSSUM_BENCH_STORE=data deno bench --allow-read --allow-write --allow-env --allow-sys
 * bench/append_bench.ts`
 *
 * The folder for temporary files must lie on a disk: in memory nothing is synced. Quote the
 * ratios, which are those of one run.
 *
 * @module
 */
import { join } from "node:path";
import { openOpossum, type Opossum, type Query, silentLogger } from "../mod.ts";
import { seedStore } from "../examples/course_management/seeder.ts";

const EVENTS_DEFAULT = 20_000;
const APPENDERS = 16;
const OPENINGS = 15;

/** What runs again and again is faster than what runs now and then: blocks, taken in turn. */
const BLOCKS = 120;
const RUNS_A_BLOCK = 50;
/** The first blocks are for the compiler, the first runs of a block pay for what ran before. */
const BLOCKS_SKIPPED = 20;
const RUNS_SKIPPED = 5;

/** Something to measure, and what to compare it with. */
interface Row {
  readonly name: string;
  readonly yardstick?: string;
  /** The ratio not to exceed. */
  readonly limit?: number;
  run(): Promise<unknown>;
}

const COURSE = "courseId:0b9e5cb0-7f0c-4a1e-9d9e-0c8f3f6a2b11";
const STUDENT = "studentId:7a1d1f5e-52f8-4d3b-8a44-0f6f1c9d2e33";
const EVENT = {
  type: "StudentEnrolledToCourse",
  tags: [COURSE, STUDENT],
  data: { courseId: COURSE, studentId: STUDENT, note: "x".repeat(100) },
};

/** Fills a folder with the store asked for, as left by whoever closed it. */
async function makeStore(path: string): Promise<void> {
  const given = Deno.env.get("OPOSSUM_BENCH_STORE");
  if (given !== undefined) return copyStore(given, path);
  await using opossum = await open(path);
  const events = Number(Deno.env.get("OPOSSUM_BENCH_EVENTS") ?? EVENTS_DEFAULT);
  await seedStore(opossum.events, { events });
}

/** Copies what opening and appending need. */
function copyStore(from: string, to: string): void {
  Deno.mkdirSync(join(to, "events"), { recursive: true });
  for (const name of ["store.json", "index.sqlite"]) {
    Deno.copyFileSync(join(from, name), join(to, name));
  }
  for (const { name } of Deno.readDirSync(join(from, "events"))) {
    Deno.copyFileSync(join(from, "events", name), join(to, "events", name));
  }
}

function open(path: string): Promise<Opossum> {
  return openOpossum({ path, startDaemon: false, logger: silentLogger });
}

/** A bare file that takes the same lines, ready to write. */
function bareFile(path: string, line: string, count: number): Row["run"] {
  const file = Deno.openSync(path, { append: true, create: true });
  const bytes = new TextEncoder().encode(line.repeat(count));
  return async () => {
    file.writeSync(bytes);
    await file.syncData();
  };
}

async function makeRows(
  { events }: Opossum,
  directory: string,
): Promise<Row[]> {
  const { first } = await events.append([EVENT]);
  const [stored] = await Array.fromAsync(
    events.read("all", { after: first - 1 }),
  );
  const line = `${JSON.stringify(stored)}\n`;
  const append = () => events.append([EVENT]);
  const appendIf = (failIfEventsMatch: Query, after = 0) =>
    events.append([EVENT], { condition: { failIfEventsMatch, after } });
  let names = 0;
  const one = "one append";
  return [
    {
      name: "bare: one line, one sync",
      run: bareFile(join(directory, "bare"), line, 1),
    },
    {
      name: one,
      yardstick: "bare: one line, one sync",
      limit: 1.25,
      run: append,
    },
    {
      name: `bare: ${APPENDERS} lines, one sync`,
      run: bareFile(join(directory, "bare_group"), line, APPENDERS),
    },
    {
      name: `${APPENDERS} appends at once`,
      yardstick: `bare: ${APPENDERS} lines, one sync`,
      limit: 1.25,
      run: () => Promise.all(Array.from({ length: APPENDERS }, append)),
    },
    {
      name: "condition: tags, since the last event",
      yardstick: one,
      limit: 1.3,
      run: async () =>
        appendIf({ items: [{ tags: [COURSE] }] }, await events.head()),
    },
    {
      name: "condition: a tag, whole log",
      yardstick: one,
      limit: 1.3,
      run: () => appendIf({ items: [{ tags: [`name:${names++}`] }] }),
    },
    {
      name: "condition: types and tags, whole log",
      yardstick: one,
      limit: 1.3,
      run: () =>
        appendIf({
          items: [{
            types: ["StudentEnrolledToCourse", "CourseCreated"],
            tags: [COURSE, `name:${names++}`],
          }],
        }),
    },
  ];
}

/** The durations of each row, in milliseconds. */
async function measure(rows: readonly Row[]): Promise<Map<Row, number[]>> {
  const durations = new Map<Row, number[]>(rows.map((row) => [row, []]));
  for (let block = 0; block < BLOCKS; block++) {
    // Another order each time: what a row leaves behind must not always meet the same one.
    for (const row of rows.toSorted(() => Math.random() - 0.5)) {
      for (let i = 0; i < RUNS_A_BLOCK; i++) {
        const startMs = performance.now();
        await row.run();
        const ms = performance.now() - startMs;
        if (block < BLOCKS_SKIPPED || i < RUNS_SKIPPED) continue;
        durations.get(row)?.push(ms);
      }
    }
  }
  return durations;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function report(durations: ReadonlyMap<Row, number[]>): string[] {
  const medians = new Map(
    [...durations].map(([{ name }, ms]) => [name, median(ms)]),
  );
  return [...durations.keys()].map(({ name, yardstick, limit }) => {
    const ms = medians.get(name) ?? NaN;
    const start = `${name.padEnd(40)}${(ms * 1_000).toFixed(0).padStart(6)} µs`;
    if (yardstick === undefined || limit === undefined) return start;
    const ratio = ms / (medians.get(yardstick) ?? NaN);
    return `${start}  ${
      ratio.toFixed(2)
    } times "${yardstick}" (at most ${limit})`;
  });
}

async function measureOpening(path: string): Promise<string> {
  const durations: number[] = [];
  let events = 0;
  for (let i = 0; i < OPENINGS; i++) {
    const startMs = performance.now();
    await using opossum = await open(path);
    durations.push(performance.now() - startMs);
    events = await opossum.events.head();
  }
  const [first = NaN] = durations;
  return `opening ${events} events: ${median(durations).toFixed(1)} ms, ` +
    `the first time ${first.toFixed(1)} ms (at most 300)`;
}

const directory = Deno.makeTempDirSync({ prefix: "opossum_bench_" });
try {
  const path = join(directory, "store");
  await makeStore(path);
  const lines = [await measureOpening(path)];
  {
    await using opossum = await open(path);
    const rows = await makeRows(opossum, directory);
    lines.push(...report(await measure(rows)));
  }
  // deno-lint-ignore no-console -- its only output
  console.log(lines.join("\n"));
} finally {
  Deno.removeSync(directory, { recursive: true });
}
