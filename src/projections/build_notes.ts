/**
 * What is noted down in a build, in a table of its own: it is of no use once the build serves, and
 * must not be read with every look at how far a generation is.
 *
 * @module
 */
import { connect } from "./sqlite_connection.ts";
import type { DatabaseSync } from "node:sqlite";
import type { BuildNote } from "./projection_store.ts";

/** `"manual"`: it is only swapped in once it is promoted. */
type NoteName = BuildNote | "manual";

/**
 * Reads a note.
 *
 * @param database The build.
 * @param note Which one.
 * @returns Its text, or `undefined` when there is none.
 */
export function noteIn(
  database: DatabaseSync,
  note: NoteName,
): string | undefined {
  const table = database.prepare(
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'build_notes'",
  ).get();
  if (table === undefined) return undefined;
  const row = database.prepare("SELECT text FROM build_notes WHERE name = ?")
    .get(note);
  return row && String(row.text);
}

/**
 * Reads a note, through a connection of its own.
 *
 * @param file The build.
 * @param note Which one.
 * @returns Its text, or `undefined` when there is none.
 */
export function readNote(file: string, note: NoteName): string | undefined {
  const database = connect(file, "building");
  try {
    return noteIn(database, note);
  } finally {
    database.close();
  }
}

/**
 * Writes a note, durably, through a connection of its own: nothing else may be uncommitted.
 *
 * @param file The build.
 * @param note Which one.
 * @param text Its text; an empty one takes it back.
 */
export function writeNote(file: string, note: NoteName, text: string): void {
  const database = connect(file, "building");
  try {
    database.exec(
      "CREATE TABLE IF NOT EXISTS build_notes (name TEXT PRIMARY KEY, text TEXT NOT NULL)",
    );
    if (text === "") {
      database.prepare("DELETE FROM build_notes WHERE name = ?").run(note);
    } else {
      database.prepare("INSERT OR REPLACE INTO build_notes VALUES (?, ?)")
        .run(note, text);
    }
  } finally {
    database.close();
  }
}
