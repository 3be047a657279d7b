/**
 * A generation that is kept open as long as it serves, and as somebody uses it.
 *
 * @module
 */
import {
  SqliteGeneration,
  type SqliteGenerationOptions,
} from "./sqlite_generation.ts";

/** An open current generation, and who uses it. */
export interface Lease {
  /** For readers. */
  readonly generation: SqliteGeneration;
  /** Of the file that it was opened on. */
  readonly identity: string | undefined;
  /** For live updates, from the first one on. */
  changing: SqliteGeneration | undefined;
  /** Of `current.json`, when it named this generation. */
  readonly version: string;
  /** How many actions run on it. */
  users: number;
  /** Whether another generation serves now: the last user closes it. */
  retired: boolean;
}

/**
 * Opens a connection of its own for live updates: the other one sees nothing before it is
 * committed.
 *
 * @param lease The lease.
 * @param file Where its generation is.
 */
export function openChanging(
  lease: Lease,
  file: SqliteGenerationOptions,
): SqliteGeneration {
  const { projectionName } = lease.generation.identity;
  return SqliteGeneration.open({ ...file, use: "changing" }, projectionName);
}

/** Closes its connections. */
export function closeLease({ generation, changing }: Lease): void {
  changing?.close();
  generation.close();
}
