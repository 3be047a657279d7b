/**
 * Opening a log: who it is, whether it is whole, where it ends, and what is indexed of it.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { FileLock } from "../storage/file_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { sweepTemporaries } from "../storage/atomic_replace.ts";
import type { Logger } from "../telemetry/logger.ts";
import { LogCorruptionError, readingLog } from "./errors.ts";
import { LogIndex } from "./log_index.ts";
import { repairTail } from "./recovery.ts";
import { ProvenEnd } from "./proven_end.ts";
import {
  type FrameVisitor,
  SegmentedLog,
  type TailDamage,
} from "./segmented_log.ts";
import {
  assertSegmentsJoin,
  listSegments,
  readSegmentHeader,
  type Segment,
} from "./segments.ts";
import { openIdentity } from "./store_identity.ts";

/** What {@linkcode openLog} works with. */
export interface OpenLogOptions {
  /** The data folder. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lock: FileLock;
  readonly segmentBytesMax: number;
}

/** An open log. */
export interface OpenedLog {
  readonly storeId: string;
  readonly log: SegmentedLog;
  readonly index: LogIndex;
  /** Repairs a torn tail found later, when another process died while writing. */
  readonly repair: (damage: TailDamage) => Promise<void>;
  /** Why nothing can be appended, if so. */
  readonly failure: LogCorruptionError | undefined;
}

/**
 * Opens the log of a data folder, creating both when missing.
 *
 * @param options Where and how.
 * @returns The log, its index, and what stands against appending.
 * @throws {StoreFormatError} If the folder holds something else or something newer.
 * @throws {LogCorruptionError} If segments are missing or their first lines damaged.
 */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { path, fileSystem, clock, logger, lock, segmentBytesMax } = options;
  fileSystem.makeDirectory(`${path}/events`);
  using resources = new DisposableStack();
  resources.use(lock);
  using _held = await lock.acquire();
  sweepTemporaries(fileSystem, path);
  const { storeId } = await openIdentity(fileSystem, path, clock.now());
  await fileSystem.syncDirectory(path);
  const log = resources.use(
    new SegmentedLog({
      fileSystem,
      path,
      storeId,
      clock,
      segmentBytesMax,
    }),
  );
  const index = resources.use(
    new LogIndex({ fileSystem, path, storeId, log, logger }),
  );
  const provenDurable = index.open();
  const repair = (damage: TailDamage) =>
    repairTail(log, damage, {
      fileSystem,
      path,
      clock,
      logger,
      provenDurable: Math.max(provenDurable, log.head),
    });
  let failure: LogCorruptionError | undefined;
  try {
    const proven = new ProvenEnd();
    await readLog(log, storeId, options, repair, proven.visit);
    assertReaches(log, provenDurable);
    log.rewrite(proven.offset);
  } catch (error) {
    // With the segments in order, what stands before the damage can be served.
    if (!(error instanceof LogCorruptionError) || log.end === 0) throw error;
    failure = error;
    index.keepAsEvidence();
  }
  await log.sync();
  await fileSystem.syncDirectory(`${path}/events`);
  log.head = log.end;
  try {
    await index.catchUp();
  } catch (error) {
    if (!(error instanceof LogCorruptionError)) throw error;
    failure ??= error;
  }
  if (failure) {
    logger.log("error", "The log is damaged and takes no appends", {
      error: failure,
    });
  }
  resources.move();
  return { storeId, log, index, repair, failure };
}

/**
 * Reads the log up to its end.
 *
 * @param log The log, not open yet.
 * @param storeId The store that it must belong to.
 * @param options Where.
 * @param repair What to do with a damaged end.
 * @param visit Takes the frames of the last segment.
 * @throws {LogCorruptionError} If segments are missing or damaged.
 */
export async function readLog(
  log: SegmentedLog,
  storeId: string,
  { fileSystem, path }: Pick<OpenLogOptions, "fileSystem" | "path">,
  repair: (damage: TailDamage) => Promise<void>,
  visit: FrameVisitor,
): Promise<void> {
  const segments = listSegments(fileSystem, path);
  const last = segments.at(-1);
  const unfinished = last && isUnfinished(fileSystem, last) ? last : undefined;
  const whole = unfinished ? segments.slice(0, -1) : segments;
  assertSegmentsJoin(fileSystem, whole, storeId);
  log.open(whole);
  const damage = await log.catchUp(visit);
  if (damage) await repair(damage);
  if (unfinished && unfinished.first > log.end + 1) {
    throw new LogCorruptionError({
      file: unfinished.file,
      offset: 0,
      position: log.end + 1,
      what: "the events before this segment are missing",
    });
  }
}

function assertReaches(log: SegmentedLog, provenDurable: Position): void {
  if (log.end >= provenDurable) return;
  const file = log.segments.at(-1)?.file ?? "events";
  const position = log.end + 1;
  const what = `the log ends here, but position ${provenDurable} was ` +
    'acknowledged (delete "index.sqlite" to accept the loss)';
  throw new LogCorruptionError({ file, offset: log.offset, position, what });
}

function isUnfinished(fileSystem: FileSystem, segment: Segment): boolean {
  return readingLog(segment.file, 0, () => {
    using file = fileSystem.open(segment.path, { mode: "read" });
    return readSegmentHeader(file) === undefined;
  });
}
