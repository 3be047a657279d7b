/**
 * Mending documents in the SQLite file of the generation that serves.
 *
 * @module
 */
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  atomicReplace,
  readTextIfExists,
  sweepTemporaries,
} from "../storage/atomic_replace.ts";
import type { FileSystem } from "../storage/file_system.ts";
import { execute } from "../storage/sqlite_execute.ts";
import { Yielder } from "../storage/yielder.ts";
import { readDeadLetters, replaceDeadLetters } from "./dead_letter_rows.ts";
import { ProjectionNotBuiltError } from "./errors.ts";
import { CURRENT } from "./generation_files.ts";
import { GenerationLook } from "./generation_look.ts";
import { writeDocuments } from "./generation_rows.ts";
import type { Look, Mending, MendingChanges, Scratch } from "./mending.ts";
import type { BuildIdentity } from "./projection_store.ts";
import type { DeadLetter } from "./projections.ts";
import {
  connect,
  connectExisting,
  DAMAGED,
  readSoundMeta,
  takeUp,
} from "./sqlite_connection.ts";
import { asUnusable } from "./unusable_files.ts";
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/** What is mended. */
export interface GenerationMendingOptions {
  readonly fileSystem: FileSystem;
  /** The projection. */
  readonly name: string;
  /** The generation that serves. */
  readonly location: SqliteGenerationOptions;
}

/** Mends a generation in a SQLite file. */
export class GenerationMending implements Mending {
  readonly number: number;
  readonly identity: BuildIdentity;
  readonly #options: GenerationMendingOptions;
  readonly #database: DatabaseSync;
  #scratch: { generation: SqliteGeneration; file: string } | undefined;

  /**
   * Opens the file. Call it with the build lock held.
   *
   * @param options What is mended.
   * @throws {ProjectionDamagedError} If it is of no use at all.
   * @throws {ProjectionUnavailableError} If it cannot be opened now.
   */
  constructor(options: GenerationMendingOptions) {
    const { fileSystem, location } = options;
    this.#options = options;
    this.number = location.number;
    // What somebody left who was killed while mending.
    sweepTemporaries(fileSystem, dirname(location.file));
    this.#database = this.#connect();
    try {
      this.identity = takeUp(this.#database, readSoundMeta(this.#database));
      // Thousands of documents are moved from the log into the database by whoever writes next.
      execute(this.#database, "PRAGMA wal_autocheckpoint = 0");
    } catch (cause) {
      this.#database.close();
      throw this.#unusable(cause);
    }
  }

  get damage(): string | undefined {
    const damage = readSoundMeta(this.#database).get(DAMAGED);
    return damage === undefined ? undefined : String(damage);
  }

  look(): Look {
    const database = this.#connect();
    try {
      return new GenerationLook(database);
    } catch (cause) {
      database.close();
      throw this.#unusable(cause);
    }
  }

  deadLetters(): readonly DeadLetter[] {
    return readDeadLetters(this.#database);
  }

  scratch(): Scratch {
    const { name: projectionName, location } = this.#options;
    const file = join(
      dirname(location.file),
      // Swept by whoever builds or mends next, when this process is killed.
      `${crypto.randomUUID()}.scratch.tmp`,
    );
    const generation = SqliteGeneration.create(
      { file, number: 1, displayName: projectionName, use: "scratch" },
      this.identity,
    );
    this.#scratch = { generation, file };
    return {
      generation,
      look: () => new GenerationLook(connect(file, "scratch")),
    };
  }

  async commit(changes: MendingChanges): Promise<void> {
    // Who holds documents in memory, here or elsewhere, does so for the generation that this file
    // names, and opens it anew when the file is another one. First, so that nobody goes on from
    // what he holds when this process is killed in between: the live lock keeps all away so long.
    // The file that it was is kept open: another one must not get its number.
    const { fileSystem } = this.#options;
    using _before = fileSystem.open(this.#current, { mode: "read" });
    await this.#tellOthers();
    try {
      await this.#write(changes);
      await this.#sync();
    } finally {
      // Damage that was come upon meanwhile is not there any more.
      await this.#tellOthers();
    }
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
    const scratch = this.#scratch;
    if (!scratch) return;
    this.#scratch = undefined;
    scratch.generation.close();
    this.#options.fileSystem.remove(scratch.file);
  }

  async #write(
    { documents, deadLetters, keys, isSound }: MendingChanges,
  ): Promise<void> {
    const database = this.#database;
    const statements = new Map<string, StatementSync>();
    const prepare = (sql: string) => {
      const statement = statements.get(sql) ?? database.prepare(sql);
      statements.set(sql, statement);
      return statement;
    };
    const yielder = new Yielder();
    let isChanged = false;
    execute(database, "BEGIN IMMEDIATE");
    try {
      for await (const document of documents) {
        for (const _ of writeDocuments(prepare, [document], "indexed"));
        isChanged = true;
        await yielder.yieldIfDue();
      }
      replaceDeadLetters(database, keys, deadLetters);
      if (isChanged) {
        // By counting: one that was lost was never taken off.
        prepare(
          "UPDATE meta SET value = (SELECT count(*) FROM documents) WHERE name = 'documents'",
        ).run();
      }
      if (isSound) prepare("DELETE FROM meta WHERE name = ?").run(DAMAGED);
      execute(database, "COMMIT");
    } catch (error) {
      if (database.isTransaction) execute(database, "ROLLBACK");
      throw this.#unusable(error);
    }
  }

  /**
   * Waits for the disk, as somebody is told that it is done: off the thread, where SQLite would keep
   * all requests waiting. The name of the log is durable once others are told.
   */
  async #sync(): Promise<void> {
    const { fileSystem, location: { file } } = this.#options;
    for (const path of [`${file}-wal`, file]) {
      // Whoever closed the database last has moved all of it into the file.
      if (!fileSystem.exists(path)) continue;
      using opened = fileSystem.open(path, { mode: "read" });
      await opened.sync();
    }
  }

  async #tellOthers(): Promise<void> {
    const { fileSystem, name } = this.#options;
    const text = readTextIfExists(fileSystem, this.#current);
    if (text === undefined) throw new ProjectionNotBuiltError(name);
    await atomicReplace(fileSystem, this.#current, text);
  }

  get #current(): string {
    return join(dirname(this.#options.location.file), CURRENT);
  }

  #connect(): DatabaseSync {
    const { file } = this.#options.location;
    try {
      return connectExisting(file, "changing");
    } catch (cause) {
      throw this.#unusable(cause);
    }
  }

  #unusable(cause: unknown): Error {
    const { name: projectionName, location } = this.#options;
    return asUnusable(projectionName, location.displayName, cause);
  }
}
