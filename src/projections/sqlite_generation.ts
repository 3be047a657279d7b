/**
 * A generation in a SQLite database: documents, tags, related events and checkpoint in one file,
 * changed in one transaction, so that a crash cannot part them.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Tag } from "../events/event.ts";
import { Yielder } from "../storage/yielder.ts";
import { ProjectionDamagedError } from "./errors.ts";
import { connect, type ConnectionUse, readMeta } from "./sqlite_connection.ts";
import type {
  BuildIdentity,
  DocumentChange,
  Generation,
  GenerationChanges,
  GenerationStatus,
  PageRequest,
  RelatedChange,
  StoredDocument,
  StoredPage,
} from "./projection_store.ts";
import { RowInserter } from "./row_inserter.ts";

/** Raised when the tables change; a generation of another format is rebuilt. */
const FORMAT = 1;

const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE documents (key TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE document_tags (tag TEXT, key TEXT, PRIMARY KEY (tag, key)) WITHOUT ROWID;
  CREATE TABLE related_events (
    tag TEXT, position INTEGER, event TEXT NOT NULL, PRIMARY KEY (tag, position)
  ) WITHOUT ROWID;
`;

/** Tags held back at most until they are written in order. */
const TAG_ROWS_MAX = 50_000;

interface TagRow {
  readonly tag: Tag;
  readonly key: string;
}

/** How to open a generation. */
export interface SqliteGenerationOptions {
  /** The database file. */
  readonly file: string;
  /** Its number. */
  readonly number: number;
  /** Its file's name within the data folder, for messages. */
  readonly displayName: string;
  /**
   * Whether nobody reads it yet: a long commit may then let other work run between its rows.
   */
  readonly building: boolean;
}

/** A generation in a SQLite database. */
export class SqliteGeneration implements Generation, Disposable {
  readonly number: number;
  readonly identity: BuildIdentity;
  readonly #options: SqliteGenerationOptions;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #open = true;

  private constructor(
    options: SqliteGenerationOptions,
    database: DatabaseSync,
    identity: BuildIdentity,
  ) {
    this.number = options.number;
    this.identity = identity;
    this.#options = options;
    this.#database = database;
  }

  /**
   * Creates an empty generation.
   *
   * @param options Where; the file must not exist.
   * @param identity What it is built by.
   * @returns The generation, at checkpoint 0.
   */
  static create(
    options: SqliteGenerationOptions,
    identity: BuildIdentity,
  ): SqliteGeneration {
    const database = connect(options.file, useOf(options));
    database.exec(`BEGIN; ${SCHEMA}`);
    const generation = new SqliteGeneration(options, database, identity);
    for (const [name, value] of Object.entries(identity)) {
      generation.#setMeta(name, value);
    }
    const start = {
      format: FORMAT,
      checkpoint: 0,
      documents: 0,
      eventsApplied: 0,
    };
    for (const [name, value] of Object.entries(start)) {
      generation.#setMeta(name, value);
    }
    database.exec("COMMIT");
    return generation;
  }

  /**
   * Opens an existing generation.
   *
   * @param options Where.
   * @param projectionName The projection that it must belong to.
   * @returns The generation.
   * @throws {ProjectionDamagedError} If the file is missing, damaged, of another format or of
   * another projection.
   */
  static open(
    options: SqliteGenerationOptions,
    projectionName: string,
  ): SqliteGeneration {
    let database: DatabaseSync | undefined;
    try {
      // Opening a missing database would create an empty one.
      Deno.lstatSync(options.file);
      database = connect(options.file, useOf(options));
      const meta = readMeta(database);
      if (meta.get("format") !== FORMAT) {
        throw new Error(`Format ${meta.get("format")}`);
      }
      if (meta.get("projectionName") !== projectionName) {
        throw new Error(
          `It belongs to projection "${meta.get("projectionName")}"`,
        );
      }
      const identity: BuildIdentity = {
        projectionName,
        version: Number(meta.get("version")),
        fingerprint: String(meta.get("fingerprint")),
        storeId: String(meta.get("storeId")),
      };
      return new SqliteGeneration(options, database, identity);
    } catch (cause) {
      database?.close();
      throw new ProjectionDamagedError(projectionName, options.displayName, {
        cause,
      });
    }
  }

  status(): Promise<GenerationStatus> {
    return this.#read(() => {
      const meta = readMeta(this.#database);
      return {
        checkpoint: Number(meta.get("checkpoint")),
        documents: Number(meta.get("documents")),
        eventsApplied: Number(meta.get("eventsApplied")),
        builtAt: (meta.get("builtAt") ?? null) as string | null,
        bytes: Deno.statSync(this.#options.file).size,
      };
    });
  }

  getMany(keys: readonly string[]): Promise<Map<string, string>> {
    return this.#read(() => {
      const found = new Map<string, string>();
      const select = this.#prepare("SELECT state FROM documents WHERE key = ?");
      for (const key of keys) {
        const row = select.get(key);
        if (row) found.set(key, String(row.state));
      }
      return found;
    });
  }

  page({ after, limit, backwards, tag }: PageRequest): Promise<StoredPage> {
    return this.#read(() => {
      const [table, prefix] = tag === undefined
        ? ["documents", ""]
        : ["document_tags JOIN documents USING (key)", "tag = :tag AND "];
      const [comparison, order] = backwards ? ["<", "DESC"] : [">", "ASC"];
      const bound = after === undefined ? "TRUE" : `key ${comparison} :after`;
      const select = this.#prepare(
        `SELECT key, state AS text FROM ${table} WHERE ${prefix}${bound} ` +
          `ORDER BY key ${order} LIMIT :limit`,
      );
      const parameters = {
        limit,
        ...(after === undefined ? {} : { after }),
        ...(tag === undefined ? {} : { tag }),
      };
      return {
        documents: select.all(parameters) as unknown as StoredDocument[],
        checkpoint: this.#checkpoint(),
      };
    });
  }

  /**
   * All documents in order of key, at one checkpoint, whatever is committed meanwhile.
   *
   * @returns The documents; the first pull opens the file, leaving the loop closes it.
   */
  async *snapshot(): AsyncGenerator<StoredDocument> {
    // A connection of its own: its transaction keeps seeing this moment whatever is committed.
    const database = connect(this.#options.file, useOf(this.#options));
    try {
      database.exec("BEGIN");
      const select = database.prepare(
        "SELECT key, state AS text FROM documents ORDER BY key",
      );
      const yielder = new Yielder();
      for (const row of select.iterate()) {
        yield row as unknown as StoredDocument;
        if (yielder.isDue) await yielder.yieldIfDue();
      }
    } catch (cause) {
      throw this.#damaged(cause);
    } finally {
      database.close();
    }
  }

  related(tags: readonly Tag[]): Promise<Map<Tag, string[]>> {
    return this.#read(() => {
      const select = this.#prepare(
        "SELECT event FROM related_events WHERE tag = ? ORDER BY position",
      );
      return new Map(
        tags.map((
          tag,
        ) => [tag, select.all(tag).map((row) => String(row.event))]),
      );
    });
  }

  async commit(changes: GenerationChanges): Promise<void> {
    const { documents, related, checkpoint, documentsDelta, eventsDelta } =
      changes;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const yielder = new Yielder();
      const steps = [
        this.#writeDocuments(documents),
        this.#writeRelated(related),
      ];
      for (const step of steps) {
        for (const _ of step) {
          // Readers of a serving generation must not see half a transaction.
          if (this.#options.building && yielder.isDue) {
            await yielder.yieldIfDue();
          }
        }
      }
      const add = this.#prepare(
        "UPDATE meta SET value = value + ? WHERE name = ?",
      );
      add.run(documentsDelta, "documents");
      add.run(eventsDelta, "eventsApplied");
      this.#setMeta("checkpoint", checkpoint);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /**
   * Marks the generation complete, hands it over to readers and closes it: no file beside the
   * database is needed from then on.
   *
   * @param builtAt When it was completed, ISO 8601.
   */
  complete(builtAt: string): void {
    this.#setMeta("builtAt", builtAt);
    // Recorded in the file, so that the first reader need not change it.
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.close();
  }

  /** Closes the database; closing twice is harmless. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  *#writeDocuments(documents: Iterable<DocumentChange>): Generator<void> {
    const remove = this.#prepare("DELETE FROM documents WHERE key = ?");
    const untag = this.#prepare(
      "DELETE FROM document_tags WHERE tag = ? AND key = ?",
    );
    const insert = this.#inserter(
      "INSERT OR REPLACE INTO documents (key, state) VALUES",
      2,
    );
    let tagged: TagRow[] = [];
    for (const { key, text, tagsAdded, tagsRemoved } of documents) {
      if (text === null) remove.run(key);
      else insert.add(key, text);
      for (const tag of tagsRemoved) untag.run(tag, key);
      for (const tag of tagsAdded) tagged.push({ tag, key });
      if (tagged.length >= TAG_ROWS_MAX) {
        yield* this.#writeTags(tagged);
        tagged = [];
      }
      yield;
    }
    insert.finish();
    yield* this.#writeTags(tagged);
  }

  *#writeTags(rows: TagRow[]): Generator<void> {
    const insert = this.#inserter(
      "INSERT OR IGNORE INTO document_tags (tag, key) VALUES",
      2,
    );
    for (const { tag, key } of rows.sort(byTag)) {
      insert.add(tag, key);
      yield;
    }
    insert.finish();
  }

  *#writeRelated(related: readonly RelatedChange[]): Generator<void> {
    const insert = this.#inserter(
      "INSERT OR IGNORE INTO related_events (tag, position, event) VALUES",
      3,
    );
    for (
      const { tag, position, text } of [...related].sort(byTagAndPosition)
    ) {
      insert.add(tag, position, text);
      yield;
    }
    insert.finish();
  }

  #inserter(sql: string, columns: number): RowInserter {
    return new RowInserter((text) => this.#prepare(text), sql, columns);
  }

  #checkpoint(): number {
    const row = this.#prepare(
      "SELECT value FROM meta WHERE name = 'checkpoint'",
    ).get();
    return Number(row?.value);
  }

  #setMeta(name: string, value: string | number): void {
    this.#prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")
      .run(name, value);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async #read<T>(action: () => T): Promise<T> {
    try {
      return action();
    } catch (cause) {
      throw this.#damaged(cause);
    }
  }

  #damaged(cause: unknown): ProjectionDamagedError {
    const { projectionName } = this.identity;
    const { displayName } = this.#options;
    return new ProjectionDamagedError(projectionName, displayName, { cause });
  }
}

function useOf({ building }: SqliteGenerationOptions): ConnectionUse {
  return building ? "building" : "serving";
}

function byTag(a: TagRow, b: TagRow): number {
  return a.tag < b.tag ? -1 : 1;
}

function byTagAndPosition(a: RelatedChange, b: RelatedChange): number {
  if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
  return a.position - b.position;
}
