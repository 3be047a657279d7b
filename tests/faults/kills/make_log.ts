/**
 * Folders to begin with: also one whose log is large enough to be rebuilt in workers.
 *
 * @module
 */
import { type EventInput, openOpossum, silentLogger } from "../../../mod.ts";
import { seededUuid } from "../../../examples/course_management/seeding/random.ts";
import type { AppendCall } from "../invariants.ts";

const PROJECTIONS = import.meta.resolve(
  "../../rebuild/worker_fixtures/counting.ts",
);
/** So many events are rebuilt in workers, which are used from 20,000 on. */
export const EVENTS_FOR_WORKERS = 20_500;
const CALL_EVENTS = 5_125;
/** One in so many is applied: the others only have to be read. */
const APPLIED_EVERY = 10;
/** Of the ids of this log: those of the programs are numbered by their runs. */
const ID_KIND = 0xffff_ffff;

/**
 * Makes a log, with its projections built.
 *
 * @param path The data folder.
 * @param seed Of the ids.
 * @param count How many events: a multiple of 5,125.
 * @returns The appends that it is made of.
 */
export async function makeLog(
  path: string,
  seed: number,
  count: number,
): Promise<AppendCall[]> {
  await using opossum = await openOpossum({
    path,
    projections: PROJECTIONS,
    logger: silentLogger,
  });
  const calls: AppendCall[] = [];
  for (let start = 0; start < count; start += CALL_EVENTS) {
    const events = Array.from(
      { length: CALL_EVENTS },
      (_, i) => eventAt(start + i, seed),
    );
    const { first } = await opossum.events.append(events);
    calls.push({ ids: events.map(({ id }) => id), first });
  }
  await opossum.daemon.whenStarted();
  await opossum.projections.waitFor(count);
  return calls;
}

function eventAt(index: number, seed: number): EventInput & { id: string } {
  const id = seededUuid(seed, ID_KIND, index);
  if (index % APPLIED_EVERY !== 0) return { id, type: "Ignored", data: null };
  const key = `k${index % 300}`;
  const tags = [`key:${key}`];
  return index % 40 === 0
    ? { id, type: "Named", tags, data: { key, name: `name ${index}` } }
    : { id, type: "Counted", data: { key, other: "k1", n: index % 97 } };
}

/**
 * Copies a folder that nobody has open.
 *
 * @param from The folder.
 * @param to The copy, which must not exist.
 */
export function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (isDirectory) copyFolder(source, target);
    else Deno.copyFileSync(source, target);
  }
}
