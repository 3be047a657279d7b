/**
 * A projection whose documents are damaged, repaired and rebuilt one by one, while the power goes.
 *
 * @module
 */
import { join } from "node:path";
import { openOpossum, silentLogger } from "../../../mod.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../../src/log/file_event_store.ts";
import {
  generationFileName,
  readCurrentFile,
} from "../../../src/projections/generation_files.ts";
import { denoFileSystem } from "../../../src/storage/deno_file_system.ts";
import { copyFolder } from "../../log/support.ts";
import {
  contentOf,
  type Damage,
  damageDocuments,
} from "../../rebuild/repair_fixture.ts";
import { counts } from "../../support/course_fixture.ts";
import { TempDir } from "../../support/temp_dir.ts";
import {
  type AppendCall,
  checkFolder,
  checkNothingLeft,
  InvariantError,
} from "../invariants.ts";
import { crashStates } from "./crash_states.ts";
import { digestOf, type DiskView } from "./disk_view.ts";
import { CrashStateError } from "./explore.ts";
import { Random } from "./random.ts";
import { materialise, RecordedFolders } from "./recorded_folders.ts";
import { NAME, openOn, sums, type SwapScale, update } from "./swap.ts";

/** What was looked at. */
export interface RepairCounts {
  /** Disks that a crash left. */
  states: number;
  /** Disks on which the repair was in time. */
  mended: number;
  /** Disks that were opened and repaired. */
  opened: number;
}

/** A repair, and which moments it was under way: in changes of the disk. */
interface Mended {
  /** It had not begun. */
  readonly from: number;
  /** It had returned. */
  readonly to: number;
  /** Nothing else had begun. */
  readonly until: number;
  /** What the generation may have held: its mark is news, and is written again. */
  readonly before: readonly string[];
  /** What it held from then on. */
  readonly after: string;
}

/** What happens to documents before each repair, and whether it is told which. */
const ROUNDS: readonly {
  readonly damages: readonly Damage[];
  readonly keys?: readonly string[];
  /** Whether somebody comes upon the damage before, and marks the projection. */
  readonly isFound?: boolean;
}[] = [
  { damages: [{ kind: "change", at: 0 }, { kind: "delete", at: 1 }] },
  {
    damages: [{ kind: "foreign", key: "x" }, { kind: "dropTags" }],
    keys: ["a", "b", "c", "x"],
  },
  { damages: [{ kind: "change", at: 2 }], isFound: true },
  {
    damages: [{ kind: "delete", at: 0 }, { kind: "orphanTag", key: "b" }],
    isFound: true,
  },
];

/**
 * Does the work once, and crashes it in as many ways as wanted.
 *
 * @param seed What chance depends on.
 * @param scale How much to look at.
 * @returns What was looked at.
 * @throws {CrashStateError} For the first state in which something is wrong.
 */
export async function simulateRepairs(
  seed: number,
  scale: SwapScale,
): Promise<RepairCounts> {
  using dir = new TempDir();
  const path = dir.file("data");
  const calls: AppendCall[] = [];
  const { folders, repairs } = await work(path, calls);
  const random = new Random(seed);
  const seen = new Set<string>();
  const total: RepairCounts = { states: 0, mended: 0, opened: 0 };
  for (const [moment, view] of folders.views.entries()) {
    const mended = repairs.find(({ from, until }) =>
      from < moment && moment <= until
    );
    if (!mended || random.below(scale.momentOneIn) > 0) continue;
    for (const disk of crashStates(view, random, scale.statesMax)) {
      const isTold = moment >= mended.to;
      const key = `${repairs.indexOf(mended)} ${isTold} ${digestOf(disk)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const isOpened = random.below(scale.openedOneIn) === 0;
      try {
        if (await check({ path, disk, mended, isTold, isOpened, calls })) {
          total.mended++;
        }
      } catch (cause) {
        const where = `seed ${seed}, crash after change ${moment} (${
          folders.operations[moment]
        })`;
        throw new CrashStateError(where, { cause });
      }
      total.states++;
      if (isOpened) total.opened++;
    }
  }
  return total;
}

interface Work {
  readonly folders: RecordedFolders;
  readonly repairs: readonly Mended[];
}

/** Builds, and damages and repairs again and again, with live updates in between. */
async function work(path: string, calls: AppendCall[]): Promise<Work> {
  await using events = await openFileEventStore({ path, logger: silentLogger });
  const folders = new RecordedFolders(path);
  const repairs: Mended[] = [];
  const last = () => folders.operations.length - 1;
  await append(events, calls, 7);
  {
    await using opossum = openOn(path, events, folders, sums());
    await opossum.rebuilder.rebuild(NAME);
  }
  for (const { damages, keys, isFound = false } of ROUNDS) {
    await append(events, calls, 2);
    await update(path, events, folders);
    damageDocuments(currentFile(path), damages);
    // What SQLite deleted by then stays so: it was not looked at after each of its writes.
    await folders.syncDirectory(join(path, "projections", NAME));
    const from = last();
    const unmarked = contentIn(path);
    await using opossum = openOn(path, events, folders, sums());
    const { projections, rebuilder } = opossum;
    if (isFound) {
      for (const key of ["a", "b", "c"]) {
        await projections.get(NAME, key).catch(() => {});
      }
    }
    const before = [unmarked, contentIn(path)];
    await (keys ? rebuilder.rebuildKeys(NAME, keys) : rebuilder.repair(NAME));
    const to = last();
    const after = contentIn(path);
    await opossum[Symbol.asyncDispose]();
    repairs.push({ from, to, until: last(), before, after });
  }
  return { folders, repairs };
}

async function append(
  events: FileEventStore,
  calls: AppendCall[],
  count: number,
): Promise<void> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  const counted = counts(count).map((event, i) => ({ ...event, id: ids[i] }));
  const { first } = await events.append(counted as never);
  calls.push({ ids, first });
}

interface CheckOptions {
  /** The folder that the work was done in. */
  readonly path: string;
  readonly disk: DiskView;
  readonly mended: Mended;
  /** Whether whoever asked for the repair was told that it is done. */
  readonly isTold: boolean;
  readonly isOpened: boolean;
  readonly calls: readonly AppendCall[];
}

/** Checks what a crash left; whether it is mended. */
async function check(
  { path, disk, mended, isTold, isOpened, calls }: CheckOptions,
): Promise<boolean> {
  using left = new TempDir();
  const found = left.file("data");
  if (isOpened) {
    copyFolder(path, found);
    Deno.removeSync(join(found, "projections"), { recursive: true });
  } else Deno.mkdirSync(found);
  materialise(disk, found);
  const content = contentIn(found);
  const isMended = content === mended.after;
  if (!isMended && (isTold || !mended.before.includes(content))) {
    throw new InvariantError(
      "I5",
      `it holds ${content}: ${
        mended.before.at(-1)
      } was repaired to ${mended.after}`,
    );
  }
  if (isOpened) await checkRepair(found, calls);
  return isMended;
}

/** Whatever was left of a repair, the next one mends and sweeps up. */
async function checkRepair(
  path: string,
  calls: readonly AppendCall[],
): Promise<void> {
  const definition = sums();
  {
    await using opossum = await openOpossum({
      path,
      projections: [definition],
      startDaemon: false,
      logger: silentLogger,
    });
    await opossum.rebuilder.repair(NAME);
  }
  await checkFolder({ path, witness: { calls }, projections: [definition] });
  checkNothingLeft(path);
}

/** Everything that the generation that serves holds. */
function contentIn(path: string): string {
  return JSON.stringify(contentOf(currentFile(path)));
}

function currentFile(path: string): string {
  const directory = join(path, "projections", NAME);
  const { generation = 0 } = readCurrentFile(denoFileSystem, directory, NAME) ??
    {};
  return join(directory, generationFileName(generation, "complete"));
}
