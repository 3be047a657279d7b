/**
 * The databases beside a simulated disk. SQLite opens its files by itself; here they are its own
 * databases in memory, which live as long as somebody has them open.
 *
 * What SQLite does with its pages is not simulated: a crash keeps some committed state, or none.
 *
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";

let count = 0;

function newName(): string {
  return `file:/crash-${count++}?vfs=memdb`;
}

/** A committed state of a database, kept aside. */
export interface DatabaseVersion extends Disposable {
  /** How many changes of the disk had been made when it was first seen. */
  readonly since: number;
  /** Up to which position it goes. */
  readonly through: number;
  /** Writes it into an empty database. */
  copyTo(name: string): void;
}

interface Kept {
  readonly name: string;
  readonly connection: DatabaseSync;
  /** Prepared once there is something to ask for. */
  through: StatementSync | undefined;
}

/** The databases of one disk. */
export class SimulatedDatabases implements Disposable {
  readonly #kept = new Map<string, Kept>();

  /** What SQLite is to open for a path: a new database the first time. */
  pathOf(path: string): string {
    let kept = this.#kept.get(path);
    if (!kept) {
      const name = newName();
      kept = { name, connection: new DatabaseSync(name), through: undefined };
      this.#kept.set(path, kept);
    }
    return kept.name;
  }

  /** Forgets the database of a path; those who have it open keep it. */
  remove(path: string): void {
    this.#kept.get(path)?.connection.close();
    this.#kept.delete(path);
  }

  /** Puts a version in the place of a path. */
  restore(path: string, version: DatabaseVersion): void {
    this.remove(path);
    version.copyTo(this.pathOf(path));
  }

  /** The present state of an index, if there is one and it goes further than `behind`. */
  versionOf(
    path: string,
    { since, behind }: { readonly since: number; readonly behind: number },
  ): DatabaseVersion | undefined {
    const kept = this.#kept.get(path);
    const through = kept && throughOf(kept);
    if (through === undefined || through === behind) return undefined;
    const copy = newName();
    const keeper = new DatabaseSync(copy);
    kept?.connection.exec(`VACUUM INTO '${copy}'`);
    return {
      since,
      through,
      copyTo: (name) => keeper.exec(`VACUUM INTO '${name}'`),
      [Symbol.dispose]: () => keeper.close(),
    };
  }

  [Symbol.dispose](): void {
    for (const { connection } of this.#kept.values()) connection.close();
    this.#kept.clear();
  }
}

function throughOf(kept: Kept): number | undefined {
  try {
    kept.through ??= kept.connection.prepare("SELECT through FROM meta");
    const row = kept.through.get();
    return row && Number(row.through);
  } catch {
    // It has no tables yet.
    return undefined;
  }
}
