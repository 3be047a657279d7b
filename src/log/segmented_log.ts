/**
 * The files of a log as one sequence of frames: where it ends, what others added to it, and how
 * more is written. It knows nothing of queries, conditions or who waits for what.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import { appendFully } from "../storage/atomic_replace.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import {
  AppendFailedError,
  LogCorruptionError,
  type LogDamage,
  readingLog,
  StoreFormatError,
} from "./errors.ts";
import { encodeSegmentHeader, NO_CRC } from "./format.ts";
import { FrameReader, type FrameRun } from "./frame_reader.ts";
import { rollBack } from "./roll_back.ts";
import {
  openSegment,
  readSegmentHeader,
  type Segment,
  segmentAt,
} from "./segments.ts";
import { type LogTelemetry, measureSync } from "./measured_sync.ts";
import { Yielder } from "../storage/yielder.ts";
import { interference, RollbackError, SyncError } from "./write_errors.ts";

/** Takes frames as they are read or written. */
export type FrameVisitor = (segment: Segment, run: FrameRun) => void;

/** Damage at the end of what could be read. */
export interface TailDamage extends LogDamage {
  /** The damaged segment. */
  readonly segment: Segment;
}

/** What a {@linkcode SegmentedLog} works with. */
export interface SegmentedLogOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. */
  readonly path: string;
  readonly storeId: string;
  readonly clock: Clock;
  /** Size at which a segment is sealed, in bytes. */
  readonly segmentBytesMax: number;
  /** Whether it is only read, and its files are opened for nothing else. @default {false} */
  readonly readOnly?: boolean;
  /** Told how long syncs take. @default {nobody} */
  readonly telemetry?: LogTelemetry | undefined;
}

/** The open log. Whoever calls anything that writes holds the store's lock. */
export class SegmentedLog implements Disposable {
  /** The segments in order; the last is the one written to. */
  readonly segments: Segment[] = [];
  /** Position of the last durable event: what readers see. */
  head: Position = 0;
  /** Position of the last event that was read or written; beyond `head` until it is durable. */
  end: Position = 0;
  /** Where the last frame ends in the last segment, in bytes. */
  offset = 0;
  /** CRC of the last frame, or of the segment's header. */
  crc: number = NO_CRC;

  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #storeId: string;
  readonly #clock: Clock;
  readonly #segmentBytesMax: number;
  readonly #mode: "read" | "append";
  readonly #telemetry: LogTelemetry | undefined;
  #file: FileHandle | undefined;
  /** The identity of the file that the last segment's path named when that was opened. */
  #place: string | undefined;
  /** Whether another store began the last segment, and may not have synced the folder. */
  #isNameUnproven = false;

  /** @param options Files, identity and limits. */
  constructor(options: SegmentedLogOptions) {
    this.#fileSystem = options.fileSystem;
    this.#path = options.path;
    this.#storeId = options.storeId;
    this.#clock = options.clock;
    this.#segmentBytesMax = options.segmentBytesMax;
    this.#mode = options.readOnly ? "read" : "append";
    this.#telemetry = options.telemetry;
  }

  /**
   * Begins at the last of the given segments, whose header is whole.
   *
   * @param segments All segments, in order and checked; none for an empty log.
   * @throws {LogCorruptionError} If the last one is damaged nevertheless.
   */
  open(segments: readonly Segment[]): void {
    const last = segments.at(-1);
    if (last === undefined) return;
    this.segments.push(...segments.slice(0, -1));
    if (this.#enter(last)) return;
    const what = "its first line is damaged";
    throw new LogCorruptionError(this.#damageAt(last, 0, what));
  }

  /**
   * Whether the files hold more than what was read and written here, or less. Asked before every
   * write.
   */
  hasChanged(): boolean {
    return readingLog(
      this.segments.at(-1)?.file ?? "events",
      this.offset,
      () =>
        (this.#file && this.#file.size() !== this.offset) ||
        this.#findNext() !== undefined,
    );
  }

  /** Whether the last segment's path still names what it named when it was opened. */
  isInPlace(): boolean {
    const last = this.segments.at(-1);
    return last === undefined || this.#identityOf(last) === this.#place;
  }

  /**
   * Reads what others appended. It is durable only after {@linkcode sync}.
   *
   * @param visit Takes the frames.
   * @param pause Asked after each of them, and waited for. @default {does nothing}
   * @returns The damage that reading stopped at, if any.
   */
  async catchUp(
    visit: FrameVisitor,
    pause?: () => Promise<void> | undefined,
  ): Promise<TailDamage | undefined> {
    const yielder = new Yielder();
    for (;;) {
      const damage = await this.#readOn(visit, yielder, pause);
      if (damage) return damage;
      const next = this.#findNext();
      if (next === undefined) return undefined;
      // What is sealed never changes: whatever its writer synced is durable.
      if (!this.#enter(next)) {
        return this.#damageAt(next, 0, "its first line is damaged");
      }
      this.#isNameUnproven = true;
    }
  }

  /**
   * Writes frames at the end, all or none. They are durable only after {@linkcode sync}.
   *
   * @param frames The frames.
   * @param last Position of their last event.
   * @param crc CRC of the last frame.
   * @throws Whatever the file system throws; the file is as it was before.
   * @throws {RollbackError} If it could not be restored.
   */
  write(frames: Uint8Array, last: Position, crc: number): void {
    const file = this.#file;
    if (!file) throw new TypeError("No segment was begun");
    try {
      appendFully(file, frames);
    } catch (error) {
      rollBack(file, this.offset, frames);
      throw error;
    }
    this.offset += frames.length;
    this.end = last;
    this.crc = crc;
  }

  /**
   * Looks for other writers after a write, whose events nobody may be told to be stored before.
   * The lock is of no use if its file was replaced since it was taken. But who writes looks here,
   * and who begins a segment looks whether the last one grew: of two, one notices the other. And
   * one that a backup was put back over is not the one that was written to.
   *
   * @param first Position of the first event that was written.
   * @throws {RollbackError} If somebody else wrote to the segment, replaced it or began the next.
   */
  assertUndisturbed(first: Position): void {
    const isAlone = this.#file?.size() === this.offset && this.isInPlace() &&
      (first === this.#first ||
        !this.#fileSystem.exists(segmentAt(this.#path, first).path));
    if (!isAlone) throw new RollbackError({ cause: interference() });
  }

  /** Whether the next frame belongs into a new segment. */
  get isFull(): boolean {
    return this.#file === undefined ||
      (this.end >= this.#first && this.offset >= this.#segmentBytesMax);
  }

  /**
   * Seals the last segment and begins the next.
   *
   * @throws {SyncError} If it could not be made durable.
   * @throws {AppendFailedError} If somebody else writes to the last segment.
   * @throws Whatever else the file system throws; nothing has changed then.
   */
  async roll(): Promise<void> {
    const segment = segmentAt(this.#path, this.end + 1);
    const { bytes, crc } = encodeSegmentHeader({
      segment: segment.first,
      store: this.#storeId,
      created: this.#clock.now().toISOString(),
      previous: this.segments.at(-1)?.first ?? 0,
      previousBytes: this.offset,
      prev: this.crc,
    });
    const file = this.#fileSystem.open(segment.path, { mode: "createNew" });
    let place: string | undefined;
    try {
      appendFully(file, bytes);
      place = this.#identityOf(segment);
      // The other half of what is looked for after a write.
      if (this.#file && this.#file.size() !== this.offset) {
        throw new AppendFailedError(segment.file, { cause: interference() });
      }
    } catch (error) {
      file.close();
      this.#fileSystem.remove(segment.path);
      throw error;
    }
    try {
      // The header and the name, before any frame relies on them.
      await file.sync();
      await this.#fileSystem.syncDirectory(`${this.#path}/events`);
    } catch (cause) {
      this.#abandonSegment(segment, file, bytes.length);
      throw new SyncError(segment.file, { cause });
    }
    this.#file?.close();
    this.#file = file;
    this.#place = place;
    this.segments.push(segment);
    this.#isNameUnproven = false;
    this.offset = bytes.length;
    this.crc = crc;
  }

  /**
   * Makes everything read and written so far durable. Never call it again after a failure.
   *
   * @throws {SyncError} If the disk reports a failure.
   */
  async sync(): Promise<void> {
    try {
      if (this.#file) await measureSync(this.#file, this.#telemetry);
    } catch (cause) {
      throw new SyncError(this.segments.at(-1)?.file ?? "events", { cause });
    }
    if (!this.#isNameUnproven) return;
    try {
      // Whoever began the segment may have died, or failed, before its name was durable.
      await this.#fileSystem.syncDirectory(`${this.#path}/events`);
    } catch (cause) {
      throw new SyncError("events", { cause });
    }
    this.#isNameUnproven = false;
  }

  /**
   * Takes back the last write, whose sync failed, or which somebody else disturbed. The log is not
   * written to any more after that.
   *
   * The system counts the pages as clean now: another process's sync would "succeed" without
   * writing them. Cut off, they are written anew by whoever appends next. If the file is of another
   * size, the lock was of no use, and somebody may have been told that what follows is stored: it
   * is left alone.
   *
   * @param bytes Length of that write.
   */
  abandon(bytes: number): void {
    this.offset -= bytes;
    this.end = this.head;
    try {
      if (this.#file?.size() === this.offset + bytes) this.truncate();
    } catch {
      // The disk fails already, and the writer stops because of that.
    }
  }

  /** Cuts off what follows the last frame. */
  truncate(): void {
    this.#file?.truncate(this.offset);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Takes back a segment that could not be made durable, for the reason that `abandon()` tells. */
  #abandonSegment(segment: Segment, file: FileHandle, bytes: number): void {
    try {
      if (file.size() === bytes) this.#fileSystem.remove(segment.path);
    } catch {
      // As there.
    } finally {
      file.close();
    }
  }

  get #first(): Position {
    return this.segments.at(-1)?.first ?? 1;
  }

  async #readOn(
    visit: FrameVisitor,
    yielder: Yielder,
    pause?: () => Promise<void> | undefined,
  ): Promise<TailDamage | undefined> {
    const segment = this.segments.at(-1);
    const file = this.#file;
    if (segment === undefined || file === undefined) return undefined;
    const size = readingLog(segment.file, this.offset, () => file.size());
    if (size < this.offset) {
      const what = "events that were read from it are gone";
      return this.#damageAt(segment, size, what);
    }
    const start = { offset: this.offset, first: this.end + 1, prev: this.crc };
    using reader = new FrameReader(file, start);
    const read = () =>
      readingLog(segment.file, () => reader.offset, () => reader.read());
    for (let run = read(); run; run = read()) {
      visit(segment, run);
      this.offset = reader.offset;
      this.end = reader.next - 1;
      this.crc = reader.crc ?? this.crc;
      await pause?.();
      await yielder.yieldIfDue();
    }
    const { damage } = reader;
    return damage && this.#damageAt(segment, damage.offset, damage.what);
  }

  #findNext(): Segment | undefined {
    // A segment without frames is followed by none: it begins at the next position itself.
    if (this.#file && this.end < this.#first) return undefined;
    const next = segmentAt(this.#path, this.end + 1);
    return this.#fileSystem.exists(next.path) ? next : undefined;
  }

  /** Opens the next segment; `false` when its header is incomplete or does not fit. */
  #enter(segment: Segment): boolean {
    const file = openSegment(this.#fileSystem, segment, this.#mode);
    try {
      const header = readingLog(segment.file, 0, () => readSegmentHeader(file));
      const fits = header !== undefined && header.segment === segment.first &&
        header.previous === (this.segments.at(-1)?.first ?? 0) &&
        (this.#file === undefined || header.prev === this.crc);
      if (!fits) {
        file.close();
        return false;
      }
      if (header.store !== this.#storeId) {
        const what = `it belongs to another store: ${header.store}`;
        throw new StoreFormatError(segment.path, what);
      }
      this.#place = readingLog(
        segment.file,
        0,
        () => this.#identityOf(segment),
      );
      this.#file?.close();
      this.#file = file;
      this.segments.push(segment);
      this.end = segment.first - 1;
      this.offset = header.headerBytes;
      this.crc = header.crc;
      return true;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #identityOf({ path }: Segment): string | undefined {
    return this.#fileSystem.stat(path)?.identity;
  }

  #damageAt(segment: Segment, offset: number, what: string): TailDamage {
    const { file } = segment;
    return { segment, file, offset, position: this.end + 1, what };
  }
}
