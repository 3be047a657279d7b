/**
 * Repair: what may be mended without a backup. Events that were acknowledged are never among it.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { openFileEventStore } from "../log/file_event_store.ts";
import { removeIndexFile } from "../log/index_file.ts";
import { FileLock } from "../storage/file_lock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Finding } from "./finding.ts";
import {
  inspectFolder,
  type Inspection,
  type InspectOptions,
} from "./inspect_folder.ts";

/** What to repair. */
export interface RepairOptions extends Omit<InspectOptions, "deep"> {
  readonly logger: Logger;
  /** Whether to do it, or only to say what would be done. */
  readonly apply: boolean;
  /** Whether the folder may be on a network file system. @default {false} */
  readonly allowNetworkFileSystem?: boolean;
}

/** One thing that is done. */
export interface RepairStep extends Finding {
  readonly remedy: "cut" | "remake" | "move" | "delete";
  /** Where the file goes, within the data folder, with `"cut"` and `"move"`. */
  readonly to?: string;
  /** Whether it is done; `false` in a dry run, and for what another process uses. */
  readonly done: boolean;
}

/** What was found and done. */
export interface RepairReport {
  /** As it was before. */
  readonly before: Inspection;
  /** What is done, or would be. */
  readonly steps: readonly RepairStep[];
  /** As it is afterwards; the same as before in a dry run. */
  readonly after: Inspection;
}

/** An action that goes on for longer is in nobody's hands any more. */
const LEFTOVER_MS = 600_000;

/**
 * Finds what may be mended, and mends it if told so.
 *
 * @param options What to repair.
 * @returns What was found and done.
 */
export async function repairFolder(
  options: RepairOptions,
): Promise<RepairReport> {
  const inspect = { ...options, deep: true };
  const before = await inspectFolder(inspect);
  const planned = planRepair(before, options);
  if (!options.apply || planned.length === 0) {
    return { before, steps: planned, after: before };
  }
  const steps: RepairStep[] = [];
  for (const step of planned) {
    if (step.remedy === "move" || step.remedy === "delete") {
      steps.push({ ...step, done: await putAway(step, options) });
    }
  }
  const ofLog = planned.filter(({ remedy }) =>
    remedy === "cut" || remedy === "remake"
  );
  if (ofLog.length > 0) {
    const isRemade = ofLog.some(({ remedy }) => remedy === "remake");
    if (isRemade) await removeIndex(options);
    // Opening cuts off the torn end and makes the index: there is one way to do it.
    await using store = await openFileEventStore(options);
    const done = store.readOnlyCause === undefined;
    steps.push(...ofLog.map((step) => ({ ...step, done })));
  }
  return { before, steps, after: await inspectFolder(inspect) };
}

/** What may be done about what was found. */
function planRepair(
  { findings }: Inspection,
  { clock }: RepairOptions,
): RepairStep[] {
  const stamp = clock.now().toISOString().replaceAll(/[:.]/g, "-");
  return findings.flatMap((finding): RepairStep[] => {
    const { remedy, file, offset } = finding;
    const name = file.replaceAll("/", "-");
    switch (remedy) {
      case "cut": {
        const to = `quarantine/${name.replace(/^events-|\.ndjson$/g, "")}-` +
          `${offset}-…`;
        return [{ ...finding, remedy, to, done: false }];
      }
      case "remake":
        return [{ ...finding, remedy, done: false }];
      case "move":
        return [{
          ...finding,
          remedy,
          to: `quarantine/${name}-${stamp}`,
          done: false,
        }];
      case "delete":
        return [{ ...finding, remedy, done: false }];
      default:
        return [];
    }
  });
}

/** Moves or deletes a file, unless somebody may be using it. */
async function putAway(
  step: RepairStep,
  { fileSystem, path, clock }: RepairOptions,
): Promise<boolean> {
  const file = join(path, step.file);
  using locks = new DisposableStack();
  if (step.file.startsWith("projections/")) {
    for (const name of ["live.lock", "build.lock"]) {
      const lock = locks.use(
        new FileLock(fileSystem, join(dirname(file), name), clock),
      );
      if (!lock.tryAcquire()) return false;
    }
  } else if (step.remedy === "delete") {
    const { modifiedMs = 0 } = fileSystem.stat(file) ?? {};
    if (modifiedMs > clock.now().getTime() - LEFTOVER_MS) return false;
  }
  const isDatabase = file.endsWith(".sqlite");
  if (step.to !== undefined) {
    fileSystem.makeDirectory(join(path, "quarantine"));
  }
  for (const suffix of isDatabase ? ["", "-wal", "-shm", "-journal"] : [""]) {
    if (!fileSystem.exists(file + suffix)) continue;
    if (step.to === undefined) fileSystem.remove(file + suffix);
    else fileSystem.rename(file + suffix, join(path, step.to) + suffix);
  }
  if (step.to !== undefined) {
    await fileSystem.syncDirectory(join(path, "quarantine"));
    await fileSystem.syncDirectory(path);
  }
  await fileSystem.syncDirectory(dirname(file));
  return true;
}

async function removeIndex(
  { fileSystem, path, clock }: RepairOptions,
): Promise<void> {
  using lock = new FileLock(fileSystem, join(path, "lock"), clock);
  using _held = await lock.acquire();
  removeIndexFile({ fileSystem, path });
}
