/**
 * What to do with a damaged end of the log: cut it off when nobody was told that it is stored,
 * refuse when somebody was.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { appendFully } from "../storage/atomic_replace.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import { readFully } from "../storage/read_fully.ts";
import type { Logger } from "../telemetry/logger.ts";
import { LogCorruptionError } from "./errors.ts";
import { FrameReader } from "./frame_reader.ts";
import { findNextFrame } from "./resync.ts";
import type { SegmentedLog, TailDamage } from "./segmented_log.ts";
import { listSegments } from "./segments.ts";

/** What {@linkcode judgeTail} works with. */
export interface JudgeOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  /** Highest position known to have been durable from elsewhere than the log. */
  readonly provenDurable: Position;
}

/** What {@linkcode repairTail} works with. */
export interface RepairOptions extends JudgeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An end of the log that may be cut off. */
export interface TornTail extends TailDamage {
  /** How many bytes there are from the damage on. */
  readonly bytes: number;
  /** Whether the whole segment goes, since it was begun and never used. */
  readonly isUnused: boolean;
}

const COPY_BYTES = 1_024 * 1_024;

/**
 * Decides whether a damaged end of the log may be cut off. Changes nothing.
 *
 * @param log The log, which stopped reading at the damage.
 * @param damage The damage.
 * @param options Files and evidence.
 * @returns What may be cut off: nobody was told that it is stored.
 * @throws {LogCorruptionError} If what is damaged had been acknowledged.
 */
export function judgeTail(
  log: SegmentedLog,
  damage: TailDamage,
  { fileSystem, path, provenDurable }: JudgeOptions,
): TornTail {
  const { segment, offset, position } = damage;
  const isUnused = segment.first !== log.segments.at(-1)?.first;
  using file = fileSystem.open(segment.path, { mode: "read" });
  const durable = Math.max(provenDurable, highestDurable(file, offset));
  const evidence = durable >= position
    ? `position ${durable} was acknowledged`
    // Nothing is removed behind the back of a reader that had it.
    : !isUnused && offset < log.offset
    ? "the file became shorter"
    : isUnused && findNextFrame(file, 0)
    ? "it holds events"
    : listSegments(fileSystem, path).some(({ first }) => first > segment.first)
    ? "a later segment exists"
    : undefined;
  if (evidence !== undefined) {
    const what = `${damage.what}, and ${evidence}`;
    throw new LogCorruptionError({ ...damage, what });
  }
  return { ...damage, bytes: file.size() - offset, isUnused };
}

/**
 * Cuts off a torn tail, after copying it to `quarantine/`; does the same with a segment that was
 * begun and never used. Doing it twice changes nothing. The store's lock must be held.
 *
 * @param log The log, which stopped reading at the damage.
 * @param damage The damage.
 * @param options Files and evidence.
 * @throws {LogCorruptionError} If what is damaged had been acknowledged. Nothing was changed.
 */
export async function repairTail(
  log: SegmentedLog,
  damage: TailDamage,
  options: RepairOptions,
): Promise<void> {
  const { fileSystem, path, logger } = options;
  const { segment, offset, position } = damage;
  const { bytes, isUnused } = judgeTail(log, damage, options);
  const keptAt = await quarantine(damage, options);
  if (isUnused) {
    fileSystem.remove(segment.path);
    await fileSystem.syncDirectory(`${path}/events`);
  } else {
    log.truncate();
    await log.sync();
  }
  logger.log(
    "warn",
    "Cut off the end of the log, which a crash left incomplete and nobody was told is stored",
    {
      file: damage.file,
      offset,
      bytes,
      position,
      damage: damage.what,
      keptAt,
    },
  );
}

/** The highest position that any whole frame at or behind `offset` calls durable; 0 if none. */
function highestDurable(file: FileHandle, offset: number): Position {
  let durable = 0;
  let found = findNextFrame(file, offset);
  while (found) {
    using reader = new FrameReader(file, found);
    while (reader.read());
    durable = Math.max(durable, reader.durable);
    found = reader.damage && findNextFrame(file, reader.offset + 1);
  }
  return durable;
}

/** Copies everything from the damage on; returns the copy's name, or `null` if that is nothing. */
async function quarantine(
  { segment, offset }: TailDamage,
  { fileSystem, path, clock }: RepairOptions,
): Promise<string | null> {
  using file = fileSystem.open(segment.path, { mode: "read" });
  const size = file.size();
  if (size <= offset) return null;
  const directory = `${path}/quarantine`;
  fileSystem.makeDirectory(directory);
  const name = nameOfCopy(fileSystem, directory, segment.first, offset, clock);
  const keptAt = `${directory}/${name}`;
  try {
    using copy = fileSystem.open(keptAt, { mode: "createNew" });
    const buffer = new Uint8Array(COPY_BYTES);
    for (let at = offset; at < size;) {
      const read = readFully(file, buffer, at);
      if (read === 0) break;
      appendFully(copy, buffer.subarray(0, read));
      at += read;
    }
    await copy.sync();
  } catch (error) {
    // On a full disk each attempt to open the store would leave one more half a copy.
    fileSystem.remove(keptAt);
    throw error;
  }
  await fileSystem.syncDirectory(directory);
  await fileSystem.syncDirectory(path);
  return `quarantine/${name}`;
}

function nameOfCopy(
  fileSystem: FileSystem,
  directory: string,
  first: Position,
  offset: number,
  clock: Clock,
): string {
  const time = clock.now().toISOString().replaceAll(/[:.]/g, "-");
  const name = `${String(first).padStart(20, "0")}-${offset}-${time}`;
  for (let n = 1;; n++) {
    const candidate = n === 1 ? name : `${name}-${n}`;
    if (!fileSystem.stat(`${directory}/${candidate}`)) return candidate;
  }
}
