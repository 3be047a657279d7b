/**
 * A generation in a SQLite database: documents, tags, related events and checkpoint in one file,
 * changed in one transaction, so that a crash cannot part them.
 *
 * @module
 */
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Tag } from "../events/event.ts";
import { denoFileSystem } from "../storage/deno_file_system.ts";
import { Yielder } from "../storage/yielder.ts";
import {
  countDeadLetters,
  readDeadLetters,
  writeDeadLetters,
} from "./dead_letter_rows.ts";
import {
  checkpointMeta,
  connect,
  connectExisting,
  type ConnectionUse,
  giveBackRoom,
  readAtOnce,
  readCheckedMeta,
  takeUp,
} from "./sqlite_connection.ts";
import { asUnusable, isLasting } from "./unusable_files.ts";
import { isUnwritable } from "../storage/sqlite_errors.ts";
import { readOrders } from "./event_orders.ts";
import { ProjectionDamagedError } from "./errors.ts";
import type { DeadLetter } from "./projections.ts";
import type {
  BuildIdentity,
  DocumentChange,
  EventOrders,
  Generation,
  GenerationChanges,
  GenerationStatus,
  PageRequest,
  RelatedChange,
  StagedChanges,
  StoredDocument,
  StoredPage,
} from "./projection_store.ts";
import {
  checkedDocuments,
  readMany,
  readPage,
  readRelated,
  type RowsModes,
  writeDocuments,
  writeRelated,
} from "./generation_rows.ts";
import {
  FIND_INDEX,
  GENERATION_FORMAT,
  INDEXES,
  ROW_KINDS,
  type RowKind,
  TABLES,
} from "./generation_schema.ts";
import { execute } from "../storage/sqlite_execute.ts";

/** How to open a generation. */
export interface SqliteGenerationOptions {
  /** The database file. */
  readonly file: string;
  /** Its number. */
  readonly number: number;
  /** Its file's name within the data folder, for messages. */
  readonly displayName: string;
  /** What it is opened for. */
  readonly use: ConnectionUse;
  /**
   * Called before the database does something that takes long in one go; what it returns is
   * disposed of afterwards. @default {does nothing}
   */
  readonly onStoring?: () => Disposable;
  /** Called when it is found to be damaged after it was opened. @default {does nothing} */
  readonly onDamage?: (error: ProjectionDamagedError) => void;
}

/** A generation in a SQLite database. */
export class SqliteGeneration implements Generation, Disposable {
  readonly number: number;
  readonly identity: BuildIdentity;
  readonly #options: SqliteGenerationOptions;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #open = true;
  #inTransaction = false;
  /** `"adding"` until the first commit; then what was written must be found again. */
  readonly #rows: RowsModes;

  private constructor(
    options: SqliteGenerationOptions,
    database: DatabaseSync,
    { identity, rows }: {
      readonly identity: BuildIdentity;
      readonly rows: RowsModes;
    },
  ) {
    this.number = options.number;
    this.identity = identity;
    this.#options = options;
    this.#database = database;
    this.#rows = rows;
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
    const database = connect(options.file, options.use);
    execute(database, `BEGIN; ${TABLES}`);
    const generation = new SqliteGeneration(options, database, {
      identity,
      rows: { documents: "adding", related: "adding" },
    });
    const start = {
      ...identity,
      format: GENERATION_FORMAT,
      documents: 0,
      eventsApplied: 0,
      ...checkpointMeta(identity, 0, ""),
    };
    generation.#setMeta(start);
    execute(database, "COMMIT");
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
      database = connectExisting(options.file, options.use);
      const meta = readCheckedMeta(database);
      if (meta.get("projectionName") !== projectionName) {
        throw new Error(
          `It belongs to projection "${meta.get("projectionName")}"`,
        );
      }
      const identity = takeUp(database, meta);
      const rows: RowsModes = { documents: "indexed", related: "indexed" };
      for (const kind of ROW_KINDS) {
        if (database.prepare(FIND_INDEX[kind]).get() !== undefined) continue;
        // Before the first commit there is nothing to be found.
        rows[kind] = meta.get("checkpoint") === 0 ? "adding" : "unindexed";
      }
      return new SqliteGeneration(options, database, { identity, rows });
    } catch (cause) {
      database?.close();
      throw asUnusable(projectionName, options.displayName, cause);
    }
  }

  status(): Promise<GenerationStatus> {
    return this.#read(() => {
      const meta = readCheckedMeta(this.#database);
      return {
        checkpoint: Number(meta.get("checkpoint")),
        documents: Number(meta.get("documents")),
        eventsApplied: Number(meta.get("eventsApplied")),
        deadLetters: countDeadLetters(this.#database),
        builtAt: (meta.get("builtAt") ?? null) as string | null,
        bytes: Deno.statSync(this.#options.file).size,
      };
    });
  }

  deadLetters(): Promise<readonly DeadLetter[]> {
    return this.#read(() => readDeadLetters(this.#database));
  }

  // deno-lint-ignore require-await -- turns what is thrown into a rejection
  async orders(): Promise<EventOrders> {
    const directory = dirname(this.#options.file);
    return readOrders({ fileSystem: denoFileSystem, directory }, this.identity);
  }

  getMany(keys: readonly string[]): Promise<Map<string, string>> {
    return this.#read(() => {
      this.#index("documents");
      return readMany((sql) => this.#prepare(sql), keys);
    }, keys.length);
  }

  page(request: PageRequest): Promise<StoredPage> {
    return this.#read(() => {
      this.#index("documents");
      const prepare = (sql: string) => this.#prepare(sql);
      return {
        documents: readPage(prepare, request),
        checkpoint: Number(
          this.#prepare("SELECT value FROM meta WHERE name = 'checkpoint'")
            .get()?.value,
        ),
      };
    }, 2);
  }

  /**
   * All documents in order of key, at one checkpoint, whatever is committed meanwhile.
   *
   * @returns The documents; the first pull opens the file, leaving the loop closes it.
   */
  async *snapshot(): AsyncGenerator<StoredDocument> {
    // A connection of its own: its transaction keeps seeing this moment whatever is committed.
    const database = connect(this.#options.file, this.#options.use);
    try {
      execute(database, "BEGIN");
      takeUp(database, readCheckedMeta(database));
      const select = database.prepare(
        "SELECT key, state AS text, sum FROM documents ORDER BY key",
      );
      const yielder = new Yielder();
      for (const document of checkedDocuments(select.iterate())) {
        yield document;
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
      this.#index("related");
      return readRelated((sql) => this.#prepare(sql), tags);
    }, tags.length);
  }

  async stage({ documents, related }: StagedChanges): Promise<void> {
    await this.#change(() => this.#write(documents, related));
  }

  async commit(changes: GenerationChanges): Promise<void> {
    const { checkpoint, checkpointId = "" } = changes;
    const { documentsDelta, eventsDelta } = changes;
    await this.#change(async () => {
      await this.#write(changes.documents, changes.related);
      writeDeadLetters(this.#database, changes.deadLetters ?? []);
      const add = this.#prepare(
        "UPDATE meta SET value = value + ? WHERE name = ?",
      );
      add.run(documentsDelta, "documents");
      add.run(eventsDelta, "eventsApplied");
      this.#setMeta(checkpointMeta(this.identity, checkpoint, checkpointId));
      this.#execLong("COMMIT");
      this.#inTransaction = false;
    });
    for (const kind of ROW_KINDS) {
      if (this.#rows[kind] === "adding") this.#rows[kind] = "unindexed";
    }
  }

  /** Runs a step of a transaction; when it fails, all that was staged is undone. */
  async #change(action: () => Promise<void>): Promise<void> {
    for (const kind of ROW_KINDS) {
      if (this.#rows[kind] === "unindexed") this.#index(kind);
    }
    if (!this.#inTransaction) execute(this.#database, "BEGIN IMMEDIATE");
    this.#inTransaction = true;
    try {
      await action();
    } catch (error) {
      this.#inTransaction = false;
      try {
        execute(this.#database, "ROLLBACK");
      } catch {
        // On a full disk it was rolled back already: what went wrong first is what to tell.
      }
      if (isUnwritable(error)) giveBackRoom(this.#database);
      throw error;
    }
  }

  async #write(
    documents: Iterable<DocumentChange>,
    related: readonly RelatedChange[],
  ): Promise<void> {
    const prepare = (sql: string) => this.#prepare(sql);
    const { use } = this.#options;
    const yielder = new Yielder();
    const steps = [
      writeDocuments(prepare, documents, this.#rows.documents),
      writeRelated(prepare, related, this.#rows.related),
    ];
    for (const step of steps) {
      for (const _ of step) {
        // A long commit lets other work run between its rows. Not where others read through the
        // same connection: they must not see half a transaction.
        if (use !== "serving" && yielder.isDue) await yielder.yieldIfDue();
      }
    }
  }

  /** Makes the indexes that are not there yet, which takes long for many documents. */
  makeFindable(): void {
    for (const kind of ROW_KINDS) this.#index(kind);
  }

  #index(kind: RowKind): void {
    if (this.#rows[kind] === "indexed") return;
    this.#execLong(INDEXES[kind]);
    this.#rows[kind] = "indexed";
  }

  #execLong(sql: string): void {
    using _storing = this.#options.onStoring?.();
    execute(this.#database, sql);
  }

  /**
   * Marks the generation complete, hands it over to readers and closes it: no file beside the
   * database is needed from then on.
   *
   * @param builtAt When it was completed, ISO 8601.
   */
  complete(builtAt: string): void {
    // One transaction: each waits for the disk several times.
    execute(this.#database, "BEGIN IMMEDIATE");
    this.makeFindable();
    this.#setMeta({ builtAt });
    execute(this.#database, "COMMIT");
    // Recorded in the file, so that the first reader need not change it.
    execute(this.#database, "PRAGMA journal_mode = WAL");
    execute(this.#database, "PRAGMA wal_checkpoint(TRUNCATE)");
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

  #setMeta(values: Readonly<Record<string, string | number>>): void {
    const set = this.#prepare(
      "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
    );
    for (const [name, value] of Object.entries(values)) set.run(name, value);
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
  async #read<T>(action: () => T, statements = 1): Promise<T> {
    try {
      if (statements === 1 || this.#inTransaction) return action();
      return readAtOnce(this.#database, action);
    } catch (cause) {
      throw this.#damaged(cause);
    }
  }

  #damaged(cause: unknown): Error {
    const { projectionName } = this.identity;
    const { displayName, onDamage } = this.#options;
    const error = asUnusable(projectionName, displayName, cause);
    const isDamaged = error instanceof ProjectionDamagedError;
    if (isDamaged && isLasting(cause)) onDamage?.(error);
    return error;
  }
}
