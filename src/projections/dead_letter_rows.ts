/**
 * The rows of dead letters in a generation. Their table is made with the first one, so that
 * generations that were built before there were any stay readable as they are.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { DeadLetterChange } from "./projection_store.ts";
import type { DeadLetter } from "./projections.ts";
import { execute } from "../storage/sqlite_execute.ts";

/** Without a key, an empty text stands in its place: no document has that. */
const TABLE = `
  CREATE TABLE IF NOT EXISTS dead_letters (
    position INTEGER NOT NULL, key TEXT NOT NULL, eventType TEXT NOT NULL,
    reason TEXT NOT NULL, message TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (position, key)
  ) WITHOUT ROWID;
`;
const FIND_TABLE =
  "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'dead_letters'";
const INSERT =
  "INSERT INTO dead_letters (position, key, eventType, reason, message, at) " +
  "VALUES (?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) ON CONFLICT DO NOTHING";
const SELECT =
  "SELECT position, nullif(key, '') AS key, eventType, reason, message, at " +
  "FROM dead_letters ORDER BY position, key";

/** Writes dead letters, within the transaction that passes the events over. */
export function writeDeadLetters(
  database: DatabaseSync,
  letters: readonly DeadLetterChange[],
): void {
  if (letters.length === 0) return;
  execute(database, TABLE);
  const insert = database.prepare(INSERT);
  for (const { position, key, eventType, reason, message } of letters) {
    // A text ends at U+0000 when it is read back, and half of a character is no text.
    const plain = message.replaceAll("\0", "").toWellFormed();
    insert.run(position, key ?? "", eventType, reason, plain);
  }
}

/**
 * Replaces the dead letters of some documents, within a transaction; those that stay keep their
 * time. Those of the whole projection are only added.
 *
 * @param database The generation.
 * @param keys The documents.
 * @param letters What their dead letters are.
 */
export function replaceDeadLetters(
  database: DatabaseSync,
  keys: readonly string[],
  letters: readonly DeadLetterChange[],
): void {
  if (hasTable(database)) {
    const stays = new Set(letters.map(idOf));
    const remove = database.prepare(
      "DELETE FROM dead_letters WHERE position = ? AND key = ?",
    );
    const wanted = new Set(keys);
    for (const letter of readDeadLetters(database)) {
      if (letter.key === null || !wanted.has(letter.key)) continue;
      if (!stays.has(idOf(letter))) remove.run(letter.position, letter.key);
    }
  }
  writeDeadLetters(database, letters);
}

/** Tells a dead letter from any other. */
export function idOf(
  { position, key }: Pick<DeadLetterChange, "position" | "key">,
): string {
  return JSON.stringify([position, key]);
}

/** All dead letters, in order of position and key. */
export function readDeadLetters(database: DatabaseSync): DeadLetter[] {
  if (!hasTable(database)) return [];
  return database.prepare(SELECT).all()
    .map((row) => ({ ...row }) as unknown as DeadLetter);
}

/** How many there are. */
export function countDeadLetters(database: DatabaseSync): number {
  if (!hasTable(database)) return 0;
  const row = database.prepare("SELECT count(*) AS count FROM dead_letters")
    .get();
  return Number(row?.count);
}

function hasTable(database: DatabaseSync): boolean {
  return database.prepare(FIND_TABLE).get() !== undefined;
}
