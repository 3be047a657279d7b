/**
 * Comparing a projection's documents with a fold of the log, made anew in a file of its own.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Position, StoredEvent } from "../events/event.ts";
import { toUnparsed } from "../events/parsed_event.ts";
import { reasonOf } from "../log/errors.ts";
import { readDeadLetters } from "../projections/dead_letter_rows.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { Fold } from "../projections/fold.ts";
import { GroupFold } from "../projections/group_fold.ts";
import { EventSpill } from "../projections/event_spill.ts";
import { isKeyBefore } from "../projections/key_order.ts";
import type { EventOrders } from "../projections/projection_store.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { openForReading } from "../storage/sqlite_reading.ts";
import { Yielder } from "../storage/yielder.ts";
import { SqliteGeneration } from "../projections/sqlite_generation.ts";

/** So many bytes of documents and related events are held, about, over all that are compared. */
export const BYTES_MAX: number = 64 * 1_024 * 1_024;

/** What to compare. */
export interface ProjectionCheckOptions {
  readonly fileSystem: FileSystem;
  readonly definition: ProjectionDefinition;
  /** The generation, open for reading. It is closed with the check. */
  readonly database: DatabaseSync;
  /** Position up to which it has applied the log. */
  readonly checkpoint: Position;
  /** A folder for the fold. */
  readonly scratch: string;
  /** So many bytes of documents and related events are held, about. @default {BYTES_MAX} */
  readonly bytesMax?: number;
}

/** What came of comparing. */
export interface ProjectionComparison {
  /** Whether the log could be folded: else nothing is known of the documents. */
  readonly isCompared: boolean;
  /** What differs, or why it could not be compared; `undefined` for nothing. */
  readonly what: string | undefined;
}

/** Folds what a projection wants of the events that it is shown. */
export class ProjectionCheck implements Disposable {
  readonly #options: ProjectionCheckOptions;
  readonly #generation: SqliteGeneration;
  readonly #file: string;
  readonly #fold: Fold;
  /** As in a rebuild: documents that do not fit in memory are folded part by part. */
  readonly #group: GroupFold;
  #through: Position = 0;
  #failure: string | undefined;

  /** @param options What to compare. */
  constructor(options: ProjectionCheckOptions) {
    const { definition, database, scratch, checkpoint } = options;
    const { bytesMax = BYTES_MAX } = options;
    this.#options = options;
    this.#file = join(scratch, `${crypto.randomUUID()}.sqlite`);
    this.#generation = SqliteGeneration.create(
      {
        file: this.#file,
        number: 1,
        displayName: definition.name,
        use: "scratch",
      },
      {
        projectionName: definition.name,
        version: 1,
        fingerprint: "",
        storeId: "",
      },
    );
    // What an operator ordered to pass over is no difference: it is folded as it was ordered.
    this.#generation.orders = () => Promise.resolve(recordedOrders(database));
    this.#fold = new Fold(definition, this.#generation, {
      checkpoint: 0,
      relatedBytesMax: bytesMax / 2,
    });
    const hasFailed = () => this.#failure !== undefined;
    const yielder = new Yielder();
    this.#group = new GroupFold({
      members: [{
        fold: this.#fold,
        get isRunning() {
          return !hasFailed();
        },
        // deno-lint-ignore require-await -- nothing to wait for
        fail: async (error) => void (this.#failure ??= reasonOf(error)),
        progress() {},
      }],
      memoryBytesMax: bytesMax,
      // Nobody goes on with it: it is stored once, at the end.
      checkpointInterval: Infinity,
      after: 0,
      upTo: checkpoint,
      monotonicMs: () => 0,
      guessKeys: false,
      openSpill: () =>
        new EventSpill({
          fileSystem: options.fileSystem,
          path: join(scratch, `${crypto.randomUUID()}.spill`),
        }),
      breathe: () => yielder.yieldIfDue(),
    });
  }

  /** Folds the next events, frozen, with none left out. */
  async see(events: readonly StoredEvent[], bytes: number): Promise<void> {
    const { checkpoint } = this.#options;
    const last = Math.min(events.at(-1)?.position ?? 0, checkpoint);
    if (this.#failure !== undefined || last <= this.#through) return;
    const wanted = events.filter(({ type, position }) =>
      position <= checkpoint &&
      (this.#fold.applies(type) || this.#fold.keeps(type))
    );
    const batch = toUnparsed({
      events: wanted,
      through: last,
      bytes: bytes * wanted.length / events.length,
    });
    await this.#try(() => this.#group.apply(batch));
    this.#through = last;
  }

  /**
   * Compares, once all events were seen. Others run meanwhile.
   *
   * @param signal Stops by throwing its reason.
   * @param onRows Told now and then how many rows were compared, and of how many.
   * @returns What came of it. A disk that has no room for the fold is no difference.
   */
  async finish(
    signal?: AbortSignal,
    onRows: (value: number, total: number) => void = () => {},
  ): Promise<ProjectionComparison> {
    const total = countRows(this.#options.database);
    onRows(0, total);
    await this.#try(async () => {
      await this.#group.finish();
      this.#generation.makeFindable();
    });
    if (this.#failure !== undefined) {
      const what = `it cannot be compared with the log: ${this.#failure}`;
      return { isCompared: false, what };
    }
    this.#generation.close();
    const { database, fileSystem } = this.#options;
    using folded = openForReading(fileSystem, this.#file);
    let value = 0;
    const onRow = () => {
      if (++value % ROWS_TOLD === 0) onRows(Math.min(value, total), total);
    };
    for (const [what, sql] of Object.entries(COMPARED)) {
      const { differing, total: rows } = await compare(
        database.prepare(sql).iterate() as Iterator<Row>,
        folded.prepare(sql).iterate() as Iterator<Row>,
        { signal, onRow },
      );
      if (differing === 0) continue;
      return {
        isCompared: true,
        what: `${differing} of ${rows} ${what} are not what the log says`,
      };
    }
    onRows(total, total);
    return { isCompared: true, what: undefined };
  }

  async #try(action: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.#failure = reasonOf(error);
    }
  }

  [Symbol.dispose](): void {
    this.#group[Symbol.dispose]();
    this.#generation.close();
    const { database, fileSystem } = this.#options;
    if (database.isOpen) database.close();
    fileSystem.remove(this.#file);
  }
}

function countRows(database: DatabaseSync): number {
  return COMPARED_TABLES.reduce((sum, table) => {
    const row = database.prepare(`SELECT count(*) AS count FROM ${table}`)
      .get();
    return sum + Number(row?.count);
  }, 0);
}

/** The orders that a generation followed. */
function recordedOrders(database: DatabaseSync): EventOrders {
  const skips = readDeadLetters(database)
    .filter(({ reason }) => reason === "ordered")
    .map(({ position }) => position);
  return { skips, suspects: [] };
}

interface Row {
  readonly key: string;
  readonly text: string;
}

/** What is compared, row by row in the same order. */
const COMPARED: Readonly<Record<string, string>> = {
  documents: "SELECT key, state AS text FROM documents ORDER BY key",
  tags: "SELECT json_array(tag, key) AS key, '' AS text FROM document_tags " +
    "ORDER BY 1",
  "related events": "SELECT printf('%020d', position) AS key, event AS text " +
    "FROM related_events ORDER BY 1",
  "tags of related events": "SELECT json_array(tag, position) AS key, " +
    "'' AS text FROM related_tags ORDER BY 1",
};

/** Their tables. */
const COMPARED_TABLES: readonly string[] = [
  "documents",
  "document_tags",
  "related_events",
  "related_tags",
];

/** Rows that are compared between two words about it. */
const ROWS_TOLD = 1_000;

async function compare(
  left: Iterator<Row>,
  right: Iterator<Row>,
  { signal, onRow }: {
    readonly signal: AbortSignal | undefined;
    readonly onRow: () => void;
  },
): Promise<{ readonly differing: number; readonly total: number }> {
  const yielder = new Yielder();
  let differing = 0;
  let total = 0;
  let a = left.next();
  let b = right.next();
  while (!a.done || !b.done) {
    if (yielder.isDue) {
      await yielder.yieldIfDue();
      signal?.throwIfAborted();
    }
    total++;
    onRow();
    const isOnlyLeft = !a.done &&
      (b.done || isKeyBefore(a.value.key, b.value.key));
    const isOnlyRight = !b.done &&
      (a.done || isKeyBefore(b.value.key, a.value.key));
    if (isOnlyLeft || isOnlyRight || a.value.text !== b.value.text) differing++;
    if (!isOnlyRight) a = left.next();
    if (!isOnlyLeft) b = right.next();
  }
  return { differing, total };
}
