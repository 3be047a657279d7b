/**
 * The open current generation of a projection: closed when another one serves and the last reader
 * is done.
 *
 * @module
 */
import type { SqliteGeneration } from "./sqlite_generation.ts";

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
  users: number;
  retired: boolean;
}

/** Closes its connections. */
export function closeLease({ generation, changing }: Lease): void {
  changing?.close();
  generation.close();
}
