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
import { connect, readMeta } from "./sqlite_connection.ts";
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

/** Rows an INSERT: more is hardly faster, and the remainder goes one by one. */
const ROWS_PER_INSERT = 64;

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
    const database = connect(options.file);
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
      database = connect(options.file);
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
    const database = connect(this.#options.file);
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
      // In order of key, neighbours land on the same page: several times faster.
      for (
        const step of [
          this.#writeDocuments([...documents].sort(byKey)),
          this.#writeRelated(related),
        ]
      ) {
        const yielder = new Yielder();
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
   * Marks the generation complete, moves everything into the database file and closes it: no
   * file beside it is needed from then on.
   *
   * @param builtAt When it was completed, ISO 8601.
   */
  complete(builtAt: string): void {
    this.#setMeta("builtAt", builtAt);
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

  *#writeDocuments(documents: readonly DocumentChange[]): Generator<void> {
    const written = documents.filter(({ text }) => text !== null);
    yield* this.#insert(
      "INSERT OR REPLACE INTO documents (key, state) VALUES",
      written,
      ({ key, text }) => [key, text],
    );
    const remove = this.#prepare("DELETE FROM documents WHERE key = ?");
    const untag = this.#prepare(
      "DELETE FROM document_tags WHERE tag = ? AND key = ?",
    );
    for (const { key, text, tagsRemoved } of documents) {
      if (text === null) remove.run(key);
      for (const tag of tagsRemoved) untag.run(tag, key);
      yield;
    }
    yield* this.#insert(
      "INSERT OR IGNORE INTO document_tags (tag, key) VALUES",
      documents.flatMap(({ key, tagsAdded }) =>
        tagsAdded.map((tag) => ({ tag, key }))
      ),
      ({ tag, key }) => [tag, key],
    );
  }

  *#writeRelated(related: readonly RelatedChange[]): Generator<void> {
    yield* this.#insert(
      "INSERT OR IGNORE INTO related_events (tag, position, event) VALUES",
      [...related].sort(byTagAndPosition),
      ({ tag, position, text }) => [tag, position, text],
    );
  }

  *#insert<Row>(
    sql: string,
    rows: readonly Row[],
    values: (row: Row) => (string | number | null)[],
  ): Generator<void> {
    const [first] = rows;
    if (first === undefined) return;
    const group = `(${values(first).map(() => "?").join(", ")})`;
    const many = this.#prepare(
      `${sql} ${Array(ROWS_PER_INSERT).fill(group).join(", ")}`,
    );
    const one = this.#prepare(`${sql} ${group}`);
    let done = 0;
    for (; done + ROWS_PER_INSERT <= rows.length; done += ROWS_PER_INSERT) {
      many.run(...rows.slice(done, done + ROWS_PER_INSERT).flatMap(values));
      yield;
    }
    for (const row of rows.slice(done)) one.run(...values(row));
    yield;
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
    return new ProjectionDamagedError(
      projectionName,
      this.#options.displayName,
      {
        cause,
      },
    );
  }
}

function byKey(a: DocumentChange, b: DocumentChange): number {
  return a.key < b.key ? -1 : 1;
}

function byTagAndPosition(a: RelatedChange, b: RelatedChange): number {
  if (a.tag !== b.tag) return a.tag < b.tag ? -1 : 1;
  return a.position - b.position;
}
