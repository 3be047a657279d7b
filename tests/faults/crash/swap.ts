/**
 * A projection that is built, updated, built again and given up, rolled back and promoted, while
 * the power goes.
 *
 * @module
 */
import { join } from "node:path";
import {
  openOpossum,
  type ProjectionDefinition,
  silentLogger,
} from "../../../mod.ts";
import { assemble } from "../../../src/assembly.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../../src/log/file_event_store.ts";
import { resolveOptions } from "../../../src/options.ts";
import {
  generationFileName,
  readCurrentFile,
} from "../../../src/projections/generation_files.ts";
import { createTelemetry } from "../../../src/telemetry/telemetry.ts";
import { copyFolder } from "../../log/support.ts";
import {
  type Counted,
  countingProjection,
  counts,
} from "../../support/course_fixture.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { whenAwaiting } from "../../rebuild/generation_fixture.ts";
import {
  type AppendCall,
  checkFolder,
  checkNothingLeft,
  InvariantError,
} from "../invariants.ts";
import { crashStates } from "./crash_states.ts";
import { digestOf, type DiskView, pathsOf } from "./disk_view.ts";
import { CrashStateError } from "./explore.ts";
import { Random } from "./random.ts";
import { materialise, RecordedFolders } from "./recorded_folders.ts";

/** How much to look at. */
export interface SwapScale {
  /** Of so many moments, one is looked at; 1: each. */
  readonly momentOneIn: number;
  /** States after a crash at one moment, at most. */
  readonly statesMax: number;
  /** Of so many states, one is opened; of all, it is looked which generation is named. */
  readonly openedOneIn: number;
}

/** What was looked at. */
export interface SwapCounts {
  moments: number;
  states: number;
  /** States that were opened. */
  opened: number;
  /** States in which a generation is named. */
  serving: number;
}

/** The projection. */
export const NAME = "Sums";

/** A swap or rollback that returned, after so many changes, and the generation that it named. */
interface Swapped {
  readonly at: number;
  readonly generation: number;
}

/**
 * Does the work once, and crashes it in as many ways as wanted.
 *
 * @param seed What chance depends on.
 * @param scale How much to look at.
 * @returns What was looked at.
 * @throws {CrashStateError} For the first state in which something is wrong.
 */
export async function simulateSwaps(
  seed: number,
  scale: SwapScale,
): Promise<SwapCounts> {
  using dir = new TempDir();
  const path = dir.file("data");
  const calls: AppendCall[] = [];
  const swapped: Swapped[] = [];
  const folders = await work(path, calls, swapped);
  const random = new Random(seed);
  const seen = new Set<string>();
  const total: SwapCounts = { moments: 0, states: 0, opened: 0, serving: 0 };
  for (const [moment, view] of folders.views.entries()) {
    if (random.below(scale.momentOneIn) > 0) continue;
    total.moments++;
    const last = swapped.findLastIndex(({ at }) => at <= moment);
    const told = [swapped[last]?.generation ?? 0];
    // What comes next may have happened already, without anybody being told.
    const next = swapped[last + 1];
    if (next) told.push(next.generation);
    for (const disk of crashStates(view, random, scale.statesMax)) {
      const key = `${told} ${digestOf(disk)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      total.states++;
      try {
        if (checkNamed(disk, told)) total.serving++;
        if (random.below(scale.openedOneIn) > 0) continue;
        using left = new TempDir();
        const found = left.file("data");
        copyFolder(path, found);
        Deno.removeSync(join(found, "projections"), { recursive: true });
        materialise(disk, found);
        await check(found, calls);
        total.opened++;
      } catch (cause) {
        const where = `seed ${seed}, crash after change ${moment} (${
          folders.operations[moment]
        })`;
        throw new CrashStateError(where, { cause });
      }
    }
  }
  return total;
}

/** Builds, updates, builds again, gives up, builds once more, goes back, and promotes. */
async function work(
  path: string,
  calls: AppendCall[],
  swapped: Swapped[],
): Promise<RecordedFolders> {
  await using events = await openFileEventStore({
    path,
    logger: silentLogger,
  });
  const folders = new RecordedFolders(path);
  const append = async (count: number) => {
    const ids = Array.from({ length: count }, () => crypto.randomUUID());
    const counted = counts(count).map((event, i) => ({ ...event, id: ids[i] }));
    const { first } = await events.append(counted as never);
    calls.push({ ids, first });
  };
  /** Takes note of what whoever asked is told by now. */
  const tell = () => {
    const directory = join(path, "projections", NAME);
    const current = readCurrentFile(folders, directory, NAME);
    swapped.push({
      at: folders.operations.length - 1,
      generation: current?.generation ?? 0,
    });
  };
  const rebuild = async () => {
    await using opossum = openOn(path, events, folders, sums());
    const { success } = await opossum.rebuilder.rebuild(NAME);
    if (!success) throw new Error("The rebuild failed");
    tell();
  };
  const rollBack = async () => {
    await using opossum = openOn(path, events, folders, sums());
    await opossum.rebuilder.rollback(NAME);
    tell();
  };
  await append(7);
  await rebuild();
  await append(4);
  await update(path, events, folders);
  await rebuild();
  // It fails half-way, after a commit: what it leaves is discarded.
  await fail(path, events, folders);
  await append(2);
  await update(path, events, folders);
  await rebuild();
  await rebuild();
  await append(2);
  await rollBack();
  // The older one is brought up to date, gone on from, and gone forward from.
  await update(path, events, folders);
  await rollBack();
  await rollBack();
  await rebuild();
  await awaitPromotion(path, events, folders);
  await append(1);
  await promote(path, events, folders);
  tell();
  return folders;
}

/** Its definition. */
export function sums(
  overrides: Partial<ProjectionDefinition<{ sum: number }, Counted>> = {},
): ProjectionDefinition {
  // Its fingerprint must not depend on what is overridden.
  return countingProjection(NAME, {
    fingerprint: "sums",
    ...overrides,
  }) as ProjectionDefinition;
}

/** Opens projections over a log, all that they change through the folders that are watched. */
export function openOn(
  path: string,
  events: FileEventStore,
  fileSystem: RecordedFolders,
  definition: ProjectionDefinition,
): ReturnType<typeof assemble> {
  return assemble({
    options: resolveOptions({
      path,
      logger: silentLogger,
      enableAutoRebuild: false,
    }),
    definitions: [definition],
    events,
    storeId: events.storeId,
    fileSystem,
    telemetry: createTelemetry(),
  });
}

/** Applies what was appended to the generation that serves. */
export async function update(
  path: string,
  events: FileEventStore,
  folders: RecordedFolders,
): Promise<void> {
  await using opossum = openOn(path, events, folders, sums());
  await opossum.daemon.start();
  await opossum.projections.waitFor(await events.head());
}

async function fail(
  path: string,
  events: FileEventStore,
  folders: RecordedFolders,
): Promise<void> {
  const broken = sums({
    apply: (state, { data: { by } }) => {
      if (by === 4) throw new Error("It cannot be applied");
      return { sum: (state?.sum ?? 0) + by };
    },
  });
  await using opossum = openOn(path, events, folders, broken);
  const { success } = await opossum.rebuilder.rebuild(NAME);
  if (success) throw new Error("The rebuild did not fail");
}

/** Begins a build that waits, and ends while it does. */
async function awaitPromotion(
  path: string,
  events: FileEventStore,
  folders: RecordedFolders,
): Promise<void> {
  await using opossum = openOn(path, events, folders, sums());
  const options = { promote: "manual", verify: true } as const;
  const { id } = await opossum.rebuilder.start([NAME], options);
  await whenAwaiting(opossum, id);
}

/** Goes on with it, and promotes it. */
async function promote(
  path: string,
  events: FileEventStore,
  folders: RecordedFolders,
): Promise<void> {
  await using opossum = openOn(path, events, folders, sums());
  const { rebuilder } = opossum;
  await rebuilder.resumeInterrupted();
  const { operationIds: [id = ""] } = await rebuilder.getRebuildStatus();
  await whenAwaiting(opossum, id);
  await rebuilder.promote(id);
  const result = await rebuilder.wait(id);
  if (!result?.success) throw new Error("The promotion failed");
}

/** Checks I7 without opening anything; whether a generation is named. */
function checkNamed(disk: DiskView, told: readonly number[]): boolean {
  const directory = `/projections/${NAME}`;
  const files = new Map(pathsOf(disk));
  const read = (name: string) => {
    const node = files.get(`${directory}/${name}`);
    return node === undefined ? undefined : disk.files.get(node)?.base;
  };
  const text = read("current.json");
  const generation: number = text
    ? JSON.parse(new TextDecoder().decode(text)).generation
    : 0;
  if (!told.includes(generation)) {
    throw new InvariantError(
      "I7",
      `generation ${
        told.join(" or ")
      } was made to serve, and now ${generation} does`,
    );
  }
  if (generation === 0) return false;
  const database = read(generationFileName(generation, "complete"));
  if (database === undefined || database.length < bytesIn(database)) {
    throw new InvariantError("I7", `generation ${generation} is not whole`);
  }
  return true;
}

/** How long a database must be by its own first page; endless where there is none. */
function bytesIn(database: Uint8Array<ArrayBuffer>): number {
  if (database.length < 100) return Infinity;
  const header = new DataView(database.buffer, database.byteOffset);
  return header.getUint16(16) * header.getUint32(28) || Infinity;
}

/** Checks I1 to I9. */
async function check(
  path: string,
  calls: readonly AppendCall[],
): Promise<void> {
  const definition = sums();
  const projections = [definition];
  await checkFolder({ path, witness: { calls }, projections });
  await checkRebuild(path, definition);
  await checkFolder({ path, witness: { calls }, projections });
  checkNothingLeft(path);
}

/** A rebuild goes on wherever the last one was interrupted, and sweeps up behind it. */
async function checkRebuild(
  path: string,
  definition: ProjectionDefinition,
): Promise<void> {
  await using opossum = await openOpossum({
    path,
    projections: [definition],
    startDaemon: false,
    logger: silentLogger,
  });
  const { success } = await opossum.rebuilder.rebuild(NAME);
  if (!success) {
    throw new InvariantError("I7", "it cannot be rebuilt after the crash");
  }
  const { checkpoint } = await opossum.projections.info(NAME);
  const head = await opossum.events.head();
  if (checkpoint !== head) {
    throw new InvariantError("I6", `rebuilt up to ${checkpoint} of ${head}`);
  }
}
