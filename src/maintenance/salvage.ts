/**
 * Salvage: everything of a damaged log that can still be read, in a new store or a text file.
 *
 * Events keep their positions: what is stored elsewhere under a position stays true. Where an
 * event is lost, one of type {@linkcode LOST_EVENT_TYPE} takes its place, so that positions have
 * no gap and none is ever given to another event. The new store has an id of its own: it is not
 * the log that the old projections were made of, and they are rebuilt.
 *
 * @module
 */
import { dirname, relative, resolve } from "node:path";
import type { Clock } from "../events/clock.ts";
import type { EventInput, Position, StoredEvent } from "../events/event.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../log/file_event_store.ts";
import {
  type Positions,
  type SalvagedLog,
  salvageLog,
  type SalvageSink,
} from "../log/salvage_log.ts";
import { appendFully } from "../storage/atomic_replace.ts";
import type { FileHandle, FileSystem } from "../storage/file_system.ts";
import type { Logger } from "../telemetry/logger.ts";

/** The type of an event that stands for one that is lost. */
export const LOST_EVENT_TYPE = "opossum:EventLost";

/** What to salvage. */
export interface SalvageOptions {
  readonly fileSystem: FileSystem;
  /** The data folder. Nothing in it is changed. */
  readonly path: string;
  /** A folder that is empty or missing, for a store; or a file to be created, `*.ndjson`. */
  readonly target: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Stops by throwing the signal's reason; the target is incomplete then. */
  readonly signal?: AbortSignal;
  /** Whether a new store may be on a network file system. @default {false} */
  readonly allowNetworkFileSystem?: boolean;
}

/** So many appends are written at once. */
const APPENDS_MAX = 256;

/** So many lost events stand in one append. */
const LOST_PER_APPEND = 1_000;

/** Appends to a store, many at a time, each frame by itself. */
class StoreSink implements SalvageSink {
  readonly #store: FileEventStore;
  readonly #lostEvent: (position: Position) => EventInput;
  #waiting: Promise<unknown>[] = [];

  constructor(store: FileEventStore, lostEvent: LostEvent) {
    this.#store = store;
    this.#lostEvent = lostEvent;
  }

  async events(events: readonly StoredEvent[]): Promise<void> {
    await this.#append(events.map(({ position: _, ...event }) => event));
  }

  async #append(events: readonly EventInput[]): Promise<void> {
    const append = this.#store.append(events);
    // It is waited for later: until then, nobody is to be told that nobody listens.
    append.catch(() => {});
    this.#waiting.push(append);
    if (this.#waiting.length >= APPENDS_MAX) await this.finish();
  }

  async lost({ first, last }: Positions): Promise<void> {
    for (let from = first; from <= last; from += LOST_PER_APPEND) {
      const count = Math.min(LOST_PER_APPEND, last - from + 1);
      const events = Array.from(
        { length: count },
        (_, i) => this.#lostEvent(from + i),
      );
      await this.#append(events);
    }
  }

  async finish(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    await Promise.all(waiting);
  }
}

/** Writes the lines that `opossum import` reads. */
class LinesSink implements SalvageSink {
  readonly #file: FileHandle;
  readonly #lostEvent: LostEvent;

  constructor(file: FileHandle, lostEvent: LostEvent) {
    this.#file = file;
    this.#lostEvent = lostEvent;
  }

  events(events: readonly StoredEvent[]): void {
    this.#write(events);
  }

  lost({ first, last }: Positions): void {
    for (let position = first; position <= last; position++) {
      this.#write([{ position, ...this.#lostEvent(position) }]);
    }
  }

  #write(events: readonly (EventInput | StoredEvent)[]): void {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    appendFully(this.#file, new TextEncoder().encode(text));
  }
}

type LostEvent = (position: Position) => Required<EventInput>;

/**
 * Writes every whole append of a log to the target.
 *
 * @param options What to salvage, and where to.
 * @returns What was salvaged and what is lost.
 * @throws {TypeError} If the target is not empty, or lies in the data folder.
 */
export async function salvage(options: SalvageOptions): Promise<SalvagedLog> {
  const { fileSystem, path, target, clock, logger } = options;
  const { allowNetworkFileSystem = false } = options;
  assertOutside(path, target);
  const timestamp = clock.now().toISOString();
  const lostEvent = (position: Position) => ({
    type: LOST_EVENT_TYPE,
    tags: [],
    id: crypto.randomUUID(),
    timestamp,
    data: { position },
  });
  if (target.endsWith(".ndjson")) {
    if (fileSystem.exists(target)) throw notEmpty(target);
    using file = fileSystem.open(target, { mode: "createNew" });
    const salvaged = await salvageLog(options, new LinesSink(file, lostEvent));
    await file.sync();
    await fileSystem.syncDirectory(dirname(resolve(target)));
    return salvaged;
  }
  if (fileSystem.exists(target) && fileSystem.list(target).length > 0) {
    throw notEmpty(target);
  }
  await using store = await openFileEventStore({
    path: target,
    fileSystem,
    clock,
    logger,
    allowNetworkFileSystem,
  });
  const sink = new StoreSink(store, lostEvent);
  const salvaged = await salvageLog(options, sink);
  await sink.finish();
  return salvaged;
}

function assertOutside(path: string, target: string): void {
  const way = relative(resolve(path), resolve(target));
  if (way.startsWith("..") || resolve(way) === way) return;
  throw new TypeError(
    `Cannot salvage to "${target}" as it lies in the damaged store: choose another place`,
  );
}

function notEmpty(target: string): TypeError {
  return new TypeError(
    `Cannot salvage to "${target}" as it exists and is not empty: choose another place`,
  );
}
