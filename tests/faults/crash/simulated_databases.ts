/**
 * The databases beside a simulated disk. SQLite opens its files by itself; here they are its own
 * databases in memory, which outlive those who have them open.
 *
 * What SQLite does with its pages is not simulated: a crash keeps some committed state, or none.
 *
 * @module
 */
import {
  DatabaseSync,
  type SQLInputValue,
  type StatementSync,
} from "node:sqlite";
import { INDEX_SCHEMA } from "../../../src/log/index_schema.ts";
import type { Database } from "../../../src/storage/file_system.ts";

/** A committed state of an index, kept aside. */
export interface IndexVersion {
  /** How many changes of the disk had been made when it was first seen. */
  readonly since: number;
  /** Up to which position it goes. */
  readonly through: number;
  /** Its rows, by table. */
  readonly tables: ReadonlyMap<string, readonly SQLInputValue[][]>;
}

/** The databases of one disk, each an index. */
export class SimulatedDatabases implements Disposable {
  readonly #kept = new Map<string, DatabaseSync>();

  /** Opens the database of a path: a new one the first time. */
  open(path: string): Database {
    return new KeptDatabase(this.#keep(path));
  }

  /** Forgets the database of a path. */
  remove(path: string): void {
    this.#kept.get(path)?.close();
    this.#kept.delete(path);
  }

  /** Puts a version in the place of a path. */
  restore(path: string, { tables }: IndexVersion): void {
    this.remove(path);
    const database = this.#keep(path);
    database.exec(`BEGIN; ${INDEX_SCHEMA}`);
    for (const [table, rows] of tables) {
      const values = rows[0]?.map(() => "?").join();
      if (values === undefined) continue;
      const insert = database.prepare(
        `INSERT INTO ${table} VALUES (${values})`,
      );
      for (const row of rows) insert.run(...row);
    }
    database.exec("COMMIT");
  }

  /** The present state of an index, unless there is none or it ends at `known`. */
  versionOf(
    path: string,
    { since, known }: { readonly since: number; readonly known: number },
  ): IndexVersion | undefined {
    const database = this.#kept.get(path);
    // In the middle of a transaction, nothing of it is committed.
    if (!database || database.isTransaction) return undefined;
    const through = throughOf(database);
    if (through === undefined || through === known) return undefined;
    const tables = new Map(TABLES.map((table) => {
      const rows = database.prepare(`SELECT * FROM ${table}`).all();
      return [table, rows.map((row) => Object.values(row))];
    }));
    return { since, through, tables };
  }

  [Symbol.dispose](): void {
    for (const database of this.#kept.values()) database.close();
    this.#kept.clear();
  }

  #keep(path: string): DatabaseSync {
    let database = this.#kept.get(path);
    if (!database) {
      database = new DatabaseSync(":memory:");
      this.#kept.set(path, database);
    }
    return database;
  }
}

/** Outlives its being closed, as a file does. */
class KeptDatabase implements Database {
  readonly #database: DatabaseSync;
  isOpen = true;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }

  close(): void {
    this.isOpen = false;
  }
}

const TABLES = [...INDEX_SCHEMA.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)]
  .map(([, table]) => String(table));

function throughOf(database: DatabaseSync): number | undefined {
  try {
    const row = database.prepare("SELECT through FROM meta").get();
    return row && Number(row.through);
  } catch {
    // It has no tables yet.
    return undefined;
  }
}
