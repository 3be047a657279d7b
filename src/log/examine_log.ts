/**
 * Looking at a log without changing anything: what is wrong with it, and what opening it would do.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { FileLock, LockTimeoutError } from "../storage/file_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { readOnlyView } from "../storage/read_only_view.ts";
import {
  LogCorruptionError,
  LogReadError,
  StoreFormatError,
} from "./errors.ts";
import { readWatermark } from "./index_inspection.ts";
import { assertReaches, readLog } from "./open_log.ts";
import { judgeTail, type TornTail } from "./recovery.ts";
import { SegmentedLog } from "./segmented_log.ts";
import { listSegments, readSegmentHeader, type Segment } from "./segments.ts";
import { readIdentity } from "./store_identity.ts";
import { verifyLog, type VerifyOptions, type VerifyReport } from "./verify.ts";

/** What to look at. */
export interface ExamineLogOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly clock: Clock;
  /** Sees every run of whole frames, also those behind damage. */
  readonly onRun?: VerifyOptions["onRun"];
  /** Stops by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What is known of a log. */
export interface LogExamination {
  /** The store, by `store.json` or by its segments; `undefined` when neither tells. */
  readonly storeId: string | undefined;
  /** Why the store takes no appends or does not open at all, or `undefined` if it does. */
  readonly refusal:
    | LogCorruptionError
    | LogReadError
    | StoreFormatError
    | undefined;
  /** What opening it would cut off: nobody was told that it is stored. */
  readonly torn: TornTail | undefined;
  /** What every byte says, but for the torn end. */
  readonly report: VerifyReport;
}

/** A process that holds the lock for longer may be stopped; it is not waited for. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Reads a whole log, also one that does not open.
 *
 * @param options What to look at.
 * @returns What is known. Damage does not throw.
 */
export async function examineLog(
  options: ExamineLogOptions,
): Promise<LogExamination> {
  const { fileSystem, onRun, signal } = options;
  const look = await lookAtEnd(options);
  const { storeId, torn, head } = look;
  const sizes = new Map(look.sizes);
  if (torn) sizes.set(torn.segment.path, torn.offset);
  const report = await verifyLog({
    fileSystem: readOnlyView(fileSystem, sizes),
    segments: look.segments.filter(({ first }) =>
      !torn?.isUnused || first !== torn.segment.first
    ),
    head,
    behindHead: true,
    ...storeId === undefined ? {} : { storeId },
    ...onRun ? { onRun } : {},
    ...signal ? { signal } : {},
  });
  const refusal = look.refusal ?? firstDamage(report);
  return { storeId, refusal, torn, report };

  /** Damage in a sealed segment shows only when that is read. */
  function firstDamage({ problems }: VerifyReport) {
    const [problem] = problems;
    if (problem === undefined) return undefined;
    return new LogCorruptionError({ ...problem, position: problem.first });
  }
}

interface EndOfLog {
  readonly storeId: string | undefined;
  readonly refusal: LogExamination["refusal"];
  readonly torn: TornTail | undefined;
  readonly segments: readonly Segment[];
  /** Of the last segment, at a moment when nobody was writing. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly head: Position;
}

/** Does what opening would do, without doing it, while nobody writes. */
async function lookAtEnd(options: ExamineLogOptions): Promise<EndOfLog> {
  const { path, clock } = options;
  using _held = await tryLock(options);
  const fileSystem = readOnlyView(options.fileSystem);
  const segments = listSegments(fileSystem, path);
  const last = segments.at(-1)?.path;
  const sizes = new Map(
    last === undefined ? [] : [[last, sizeOf(fileSystem, last)]],
  );
  let refusal: EndOfLog["refusal"];
  let storeId: string | undefined;
  try {
    storeId = readIdentity(fileSystem, path)?.storeId;
  } catch (error) {
    if (!(error instanceof StoreFormatError)) throw error;
    refusal = error;
  }
  storeId ??= storeOfSegments(fileSystem, segments);
  const provenDurable = storeId === undefined
    ? 0
    : readWatermark(fileSystem, path, storeId);
  using log = new SegmentedLog({
    fileSystem,
    path,
    storeId: storeId ?? "",
    clock,
    segmentBytesMax: 0,
  });
  let torn: TornTail | undefined;
  try {
    await readLog(log, {
      storeId: storeId ?? "",
      fileSystem,
      path,
      repair(damage) {
        torn = judgeTail(log, damage, { fileSystem, path, provenDurable });
      },
    });
    assertReaches(log, provenDurable);
  } catch (error) {
    const isKnown = error instanceof LogCorruptionError ||
      error instanceof LogReadError ||
      error instanceof StoreFormatError;
    if (!isKnown) throw error;
    refusal ??= error;
  }
  const head = Math.max(log.end, provenDurable);
  return { storeId, refusal, torn, segments, sizes, head };
}

function sizeOf(fileSystem: FileSystem, path: string): number {
  try {
    using file = fileSystem.open(path, { mode: "read" });
    return file.size();
  } catch {
    // Whoever reads it says why.
    return Infinity;
  }
}

/**
 * The store that a folder holds, by `store.json` or else by its segments.
 *
 * @param fileSystem Where.
 * @param path The data folder.
 * @returns Its id; `undefined` when neither tells.
 */
export function storeIdOf(
  fileSystem: FileSystem,
  path: string,
): string | undefined {
  try {
    const identity = readIdentity(fileSystem, path);
    if (identity) return identity.storeId;
  } catch (error) {
    if (!(error instanceof StoreFormatError)) throw error;
  }
  return storeOfSegments(fileSystem, listSegments(fileSystem, path));
}

function storeOfSegments(
  fileSystem: FileSystem,
  segments: readonly Segment[],
): string | undefined {
  for (const { path } of segments) {
    using file = fileSystem.open(path, { mode: "read" });
    const header = readSegmentHeader(file);
    if (header) return header.store;
  }
  return undefined;
}

/** The store's lock; nothing where it cannot be had, as on a disk that is read-only. */
async function tryLock(
  { fileSystem, path, clock, signal }: ExamineLogOptions,
): Promise<Disposable> {
  const file = `${path}/lock`;
  const nothing = { [Symbol.dispose]: () => {} };
  // Taking a lock creates its file.
  if (!fileSystem.exists(file)) return nothing;
  const lock = new FileLock(fileSystem, file, clock);
  try {
    await lock.acquire({
      timeoutMs: LOCK_TIMEOUT_MS,
      ...signal ? { signal } : {},
    });
    // Closing the file lets it go.
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    const isDenied = error instanceof LockTimeoutError ||
      (error instanceof Error && "code" in error);
    if (isDenied && !signal?.aborted) return nothing;
    throw error;
  }
}
