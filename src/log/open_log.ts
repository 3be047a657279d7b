/**
 * Opening a log: who it is, whether it is whole, where it ends, and what is indexed of it.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { FairLock } from "../storage/fair_lock.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { assertLocal } from "../storage/network_file_system.ts";
import { sweepTemporaries } from "../storage/atomic_replace.ts";
import { makeDurableDirectory } from "../storage/durable_directory.ts";
import type { Logger } from "../telemetry/logger.ts";
import { isOutOfRoom, LogCorruptionError, readingLog } from "./errors.ts";
import { EventLoader } from "./event_loader.ts";
import { LogIndex } from "./log_index.ts";
import type { LogTelemetry } from "./measured_sync.ts";
import { repairTail } from "./recovery.ts";
import { ProvenEnd, rewriteDoubtful } from "./proven_end.ts";
import {
  type FrameVisitor,
  SegmentedLog,
  type TailDamage,
} from "./segmented_log.ts";
import {
  joinSegments,
  listSegments,
  readSegmentHeader,
  type Segment,
} from "./segments.ts";
import { openIdentity, STORE_FILE } from "./store_identity.ts";

/** What {@linkcode openLog} works with. */
export interface OpenLogOptions {
  /** The data folder. */
  readonly path: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lock: FairLock;
  readonly segmentBytesMax: number;
  /**
   * Called with the last position and a way to ask for the id of an event, before anybody can
   * append; not for a damaged log.
   */
  readonly onWhole?:
    | ((head: Position, idAt: (position: Position) => string) => void)
    | undefined;
  /** Whether the folder may be on a network file system. */
  readonly allowNetworkFileSystem: boolean;
  /** Told how long syncs take. @default {nobody} */
  readonly telemetry?: LogTelemetry | undefined;
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
 * @throws {NetworkFileSystemError} If the folder is on a network file system.
 * @throws {StoreFormatError} If the folder holds something else or something newer.
 * @throws {LogCorruptionError} If nothing before the damage can be served.
 */
export async function openLog(options: OpenLogOptions): Promise<OpenedLog> {
  const { path, fileSystem, clock, logger, lock, segmentBytesMax } = options;
  assertOnOneMachine(options);
  await makeFolders(options);
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
      telemetry: options.telemetry,
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
    const { visit } = proven;
    await readLog(log, {
      storeId,
      fileSystem,
      path,
      repair: (damage) => repairIfRoom(damage, { repair, logger }),
      visit,
    });
    assertReaches(log, provenDurable);
    rewriteDoubtful(log, proven, fileSystem);
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
  } else {
    using loader = new EventLoader({
      fileSystem,
      segments: log.segments.slice(),
      upTo: log.head,
      locate: (position) => index.locate(position),
    });
    const ids = new Map<Position, string>();
    options.onWhole?.(log.head, (position) => {
      // Most projections are at one of a few positions.
      const id = ids.get(position) ?? loader.load(position).event.id;
      ids.set(position, id);
      return id;
    });
  }
  resources.move();
  return { storeId, log, index, repair, failure };
}

/** On a full disk, reading goes on; whoever appends next, repairs first. */
async function repairIfRoom(
  damage: TailDamage,
  { repair, logger }:
    & Pick<OpenedLog, "repair">
    & Pick<OpenLogOptions, "logger">,
): Promise<void> {
  try {
    await repair(damage);
  } catch (error) {
    if (!isOutOfRoom(error)) throw error;
    const message = "Left a torn end of the log where it is, as there is no " +
      "room to keep a copy: nothing is appended before there is";
    logger.log("warn", message, { file: damage.file, offset: damage.offset });
  }
}

/**
 * Refuses a folder that several machines may open, or says so where that is allowed.
 *
 * @param options Where, and whether it is allowed.
 * @throws {NetworkFileSystemError} If the folder is on a network file system.
 */
export function assertOnOneMachine(
  options: Pick<
    OpenLogOptions,
    "path" | "fileSystem" | "logger" | "allowNetworkFileSystem"
  >,
): void {
  const { path, logger } = options;
  const network = assertLocal(path, options);
  if (network === undefined) return;
  const message =
    "The data folder may be on a network file system: only one machine may open it";
  logger.log("warn", message, { path, fileSystem: network });
}

async function makeFolders(
  { path, fileSystem, logger }: OpenLogOptions,
): Promise<void> {
  // With a store in it, that was done: it comes first.
  if (!fileSystem.exists(`${path}/${STORE_FILE}`)) {
    const reason = await makeDurableDirectory(fileSystem, path);
    if (reason) {
      logger.log(
        "warn",
        "A power cut may take back the new data folder, as the folder above cannot be synced",
        { error: reason.message },
      );
    }
  }
  fileSystem.makeDirectory(`${path}/events`);
}

/** What {@linkcode readLog} works with. */
export interface ReadLogOptions {
  readonly storeId: string;
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  /** What is done about a damaged end; throws if nothing may be. */
  readonly repair: (damage: TailDamage) => void | Promise<void>;
  /** Takes the frames of the last segment. @default {does nothing} */
  readonly visit?: FrameVisitor;
}

/**
 * Reads the log up to its end, or to where it is damaged.
 *
 * @param log A log that was not read yet.
 * @param options Whose, where, and what to do about a damaged end.
 * @throws {LogCorruptionError} If acknowledged events are damaged. What stands before them was
 * read.
 */
export async function readLog(
  log: SegmentedLog,
  { storeId, fileSystem, path, repair, visit = () => {} }: ReadLogOptions,
): Promise<void> {
  const segments = listSegments(fileSystem, path);
  const last = segments.at(-1);
  const unfinished = last && isUnfinished(fileSystem, last) ? last : undefined;
  const whole = unfinished ? segments.slice(0, -1) : segments;
  const { joined, damage: gap } = joinSegments(fileSystem, whole, storeId);
  log.open(joined);
  const damage = await log.catchUp(visit);
  // Damage before the gap is where reading ends: with segments behind it, it is never repaired.
  if (damage) await repair(damage);
  const position = log.end + 1;
  if (gap) throw new LogCorruptionError({ ...gap, position });
  if (unfinished && unfinished.first > position) {
    throw new LogCorruptionError({
      file: unfinished.file,
      offset: 0,
      position,
      what: "the events before this segment are missing",
    });
  }
}

/**
 * Checks that the log is no shorter than it is known to have been.
 *
 * @param log The log, read to its end.
 * @param provenDurable Highest position known to have been durable.
 * @throws {LogCorruptionError} If it is.
 */
export function assertReaches(
  log: SegmentedLog,
  provenDurable: Position,
): void {
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
