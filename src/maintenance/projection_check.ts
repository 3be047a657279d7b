/**
 * Comparing a projection's documents with a fold of the log, made anew in a file of its own.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Position, StoredEvent } from "../events/event.ts";
import { readDeadLetters } from "../projections/dead_letter_rows.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { Fold } from "../projections/fold.ts";
import { freezeEvents } from "../projections/freeze_events.ts";
import { isKeyBefore } from "../projections/key_order.ts";
import type { EventOrders } from "../projections/projection_store.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { openForReading } from "../storage/sqlite_reading.ts";
import { SqliteGeneration } from "../projections/sqlite_generation.ts";

/** So many bytes of documents are held, about. */
const BYTES_MAX = 32 * 1_024 * 1_024;

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
}

/** Folds what a projection wants of the events that it is shown. */
export class ProjectionCheck implements Disposable {
  readonly #options: ProjectionCheckOptions;
  readonly #generation: SqliteGeneration;
  readonly #file: string;
  readonly #fold: Fold;
  #through: Position = 0;
  #failure: string | undefined;

  /** @param options What to compare. */
  constructor(options: ProjectionCheckOptions) {
    const { definition: { name }, database, scratch } = options;
    this.#options = options;
    this.#file = join(scratch, `${crypto.randomUUID()}.sqlite`);
    this.#generation = SqliteGeneration.create(
      {
        file: this.#file,
        number: 1,
        displayName: name,
        use: "building",
      },
      { projectionName: name, version: 1, fingerprint: "", storeId: "" },
    );
    // What an operator ordered to pass over is no difference: it is folded as it was ordered.
    this.#generation.orders = () => Promise.resolve(recordedOrders(database));
    this.#fold = new Fold(options.definition, this.#generation, {
      checkpoint: 0,
      relatedBytesMax: BYTES_MAX,
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
    try {
      freezeEvents(wanted);
      await this.#fold.apply({ events: wanted, through: last, bytes });
      this.#through = last;
      if (this.#fold.heldBytes < BYTES_MAX) return;
      await this.#fold.flush();
      this.#fold.shed(BYTES_MAX / 2);
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  /**
   * Compares, once all events were seen.
   *
   * @returns What differs; `undefined` for nothing.
   */
  async finish(): Promise<string | undefined> {
    if (this.#failure !== undefined) return this.#failure;
    await this.#fold.flush();
    this.#generation.close();
    const { database, fileSystem } = this.#options;
    using folded = openForReading(fileSystem, this.#file);
    for (const [what, sql] of Object.entries(COMPARED)) {
      const { differing, total } = compare(
        database.prepare(sql).iterate() as Iterator<Row>,
        folded.prepare(sql).iterate() as Iterator<Row>,
      );
      if (differing === 0) continue;
      return `${differing} of ${total} ${what} are not what the log says`;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#generation.close();
    if (this.#options.database.isOpen) this.#options.database.close();
  }
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

function compare(
  left: Iterator<Row>,
  right: Iterator<Row>,
): { readonly differing: number; readonly total: number } {
  let differing = 0;
  let total = 0;
  let a = left.next();
  let b = right.next();
  while (!a.done || !b.done) {
    total++;
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
