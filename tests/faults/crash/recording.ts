/**
 * A program at work on a simulated disk, with what its callers were told and when.
 *
 * @module
 */
import type {
  AppendCondition,
  Clock,
  EventInput,
  EventStore,
  Position,
} from "../../../mod.ts";
import {
  type FileEventStore,
  openFileEventStore,
} from "../../../src/log/file_event_store.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import type { AppendCall, Witness } from "../invariants.ts";
import { type DiskView, type NodeId, ROOT } from "./disk_view.ts";
import {
  type IndexVersion,
  SimulatedDatabases,
} from "./simulated_databases.ts";
import { SimulatedDisk } from "./simulated_disk.ts";

/** The data folder on the simulated disk. */
export const DATA = "/srv/data";

const INDEX = `${DATA}/index.sqlite`;

const SRV: NodeId = 1;

/** The folder above the data folder was there long before. */
const DISK_BEFORE: DiskView = {
  files: new Map(),
  folders: new Map([
    [ROOT, { entries: new Map([["srv", SRV]]), changes: [] }],
    [SRV, { entries: new Map(), changes: [] }],
  ]),
};

/** A call, and how many changes of the disk had been made when it was made and when it returned. */
interface TimedCall {
  readonly ids: readonly string[];
  readonly condition?: AppendCondition;
  readonly madeAt: number;
  first?: Position;
  returnedAt: number;
}

/** What to record on. */
export interface RecordingOptions {
  /** What is on the disk. @default {nothing} */
  readonly disk?: DiskView;
  /** The index that is there. @default {none} */
  readonly index?: IndexVersion | undefined;
  /** What was done and seen before. @default {nothing} */
  readonly before?: Witness;
  /** Size at which segments are sealed. */
  readonly segmentBytesMax?: number;
}

/** Time that passes by being looked at, so that nobody waits. */
export function steppingClock(): Clock {
  let ms = Date.UTC(2026, 0, 1);
  return {
    now: () => new Date(++ms),
    monotonicMs: () => ++ms,
    sleep: (sleepMs) => {
      ms += sleepMs;
      return Promise.resolve();
    },
  };
}

/** A disk, the stores that are opened on it, and what is known of what they did. */
export class Recording implements Disposable {
  readonly disk: SimulatedDisk;
  readonly segmentBytesMax: number | undefined;
  readonly #databases = new SimulatedDatabases();
  readonly #versions: IndexVersion[] = [];
  readonly #calls: TimedCall[] = [];
  readonly #seen: { position: Position; id: string; at: number }[] = [];
  readonly #before: Witness;
  readonly #clock = steppingClock();

  /** @param options What to record on. */
  constructor(options: RecordingOptions = {}) {
    const { disk = DISK_BEFORE, index, before = { calls: [] } } = options;
    this.#before = before;
    this.segmentBytesMax = options.segmentBytesMax;
    this.disk = new SimulatedDisk(this.#databases, disk);
    if (index) {
      this.#databases.restore(INDEX, index);
      this.#versions.push(index);
    }
    // What SQLite committed, it did before this change and after the one before.
    this.disk.onOperation = () => this.#noteIndex(this.#now - 1);
  }

  /** Opens a store; each is another process. */
  open(): Promise<FileEventStore> {
    const { segmentBytesMax } = this;
    return openFileEventStore({
      path: DATA,
      fileSystem: this.disk,
      clock: this.#clock,
      logger: silentLogger,
      ...segmentBytesMax === undefined ? {} : { segmentBytesMax },
    });
  }

  /** Opens a store, lets `use` work with it and closes it. */
  async with(use: (store: FileEventStore) => Promise<void>): Promise<void> {
    {
      await using store = await this.open();
      this.noteIndex();
      await use(store);
    }
    this.noteIndex();
  }

  /** Appends, and remembers what was said. Refusals are remembered as well: nothing may be there. */
  async append(
    store: EventStore,
    events: readonly EventInput[],
    options: {
      readonly condition?: AppendCondition;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<void> {
    const { condition } = options;
    const call: TimedCall = {
      ids: events.map(({ id }) => String(id)),
      ...condition ? { condition } : {},
      madeAt: this.#now,
      returnedAt: Infinity,
    };
    this.#calls.push(call);
    const { first } = await store.append(events, options);
    call.first = first;
    call.returnedAt = this.#now;
    this.noteIndex();
  }

  /** Takes back the last call: it was refused, and nothing of it may be found. */
  forget(ids: readonly string[]): void {
    const index = this.#calls.findIndex((call) => call.ids[0] === ids[0]);
    this.#calls.splice(index, 1);
  }

  /** Reads everything: what was seen once must be seen for ever. */
  async read(store: EventStore): Promise<void> {
    for await (const { position, id } of store.read("all")) {
      this.#seen.push({ position, id, at: this.#now });
    }
  }

  /** Looks whether SQLite committed something since the last change of the disk. */
  noteIndex(): void {
    this.#noteIndex(this.#now);
  }

  /** What was done and seen when so many changes had been made. */
  witnessAt(changes: number): Witness {
    const calls: AppendCall[] = [...this.#before.calls];
    for (const { ids, condition, madeAt, first, returnedAt } of this.#calls) {
      if (madeAt > changes) continue;
      calls.push({
        ids,
        ...condition ? { condition } : {},
        ...first !== undefined && returnedAt <= changes ? { first } : {},
      });
    }
    const seen = new Map(this.#before.seen);
    for (const { position, id, at } of this.#seen) {
      if (at <= changes) seen.set(position, id);
    }
    return { calls, seen };
  }

  /** What the index may hold when so many changes had been made; it may also be gone. */
  indexesAt(changes: number): readonly (IndexVersion | undefined)[] {
    const known = this.#versions.filter(({ since }) => since <= changes);
    return [undefined, ...known];
  }

  [Symbol.dispose](): void {
    this.#databases[Symbol.dispose]();
  }

  get #now(): number {
    return this.disk.operations.length;
  }

  #noteIndex(since: number): void {
    const known = this.#versions.at(-1)?.through ?? -1;
    const version = this.#databases.versionOf(INDEX, { since, known });
    if (!version) return;
    this.#versions.push(version);
  }
}
