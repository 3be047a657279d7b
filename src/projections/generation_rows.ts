/**
 * Writes the rows of a generation, and reads pages of them.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Tag } from "../events/event.ts";
import type {
  DocumentChange,
  PageRequest,
  RelatedChange,
  StoredDocument,
} from "./projection_store.ts";
import type { RowKind } from "./generation_schema.ts";
import { RowInserter } from "./row_inserter.ts";
import {
  assertDocument,
  assertRelated,
  type DocumentRow,
  sumOfDocument,
  sumOfRelated,
} from "./row_sums.ts";

/** Makes a statement, or finds it again. */
export type Prepare = (sql: string) => StatementSync;

/**
 * Whether rows are only added, or may be there already and are found by the indexes, or would be
 * if those were made.
 */
export type RowsMode = "adding" | "indexed" | "unindexed";

/** The mode of each kind. */
export type RowsModes = Record<RowKind, RowsMode>;

const DOCUMENTS = "INSERT INTO documents (key, state, sum) VALUES";
const TAGS = "INSERT INTO document_tags (tag, key) VALUES";
const RELATED = "INSERT INTO related_events (position, event, sum) VALUES";
const RELATED_TAGS = "INSERT INTO related_tags (tag, position) VALUES";

/** What follows the rows when they may be there already. */
const UPDATE_DOCUMENT =
  "ON CONFLICT (key) DO UPDATE SET state = excluded.state, sum = excluded.sum";
const UNLESS_THERE = "ON CONFLICT DO NOTHING";

/** Whether a text can stand in a row: the database would take half of a character for U+FFFD. */
export function isFindable(text: string): boolean {
  return text.isWellFormed();
}

/**
 * Writes documents with their tags. Every step is one document: others may run in between.
 *
 * @param prepare The database.
 * @param documents The changes.
 * @param mode `"adding"`: no key was written before, and none is deleted.
 */
export function* writeDocuments(
  prepare: Prepare,
  documents: Iterable<DocumentChange>,
  mode: RowsMode,
): Generator<void> {
  const isIndexed = mode === "indexed";
  const remove = prepare("DELETE FROM documents WHERE key = ?");
  const untag = prepare("DELETE FROM document_tags WHERE tag = ? AND key = ?");
  const insert = new RowInserter(prepare, {
    sql: DOCUMENTS,
    columns: 3,
    ending: isIndexed ? UPDATE_DOCUMENT : "",
  });
  const insertTag = new RowInserter(prepare, {
    sql: TAGS,
    columns: 2,
    ending: isIndexed ? UNLESS_THERE : "",
  });
  for (const { key, text, tagsAdded, tagsRemoved } of documents) {
    if (text !== null) insert.add(key, text, sumOfDocument(key, text));
    else if (isIndexed) remove.run(key);
    for (const tag of tagsRemoved) untag.run(tag, key);
    for (const tag of tagsAdded) insertTag.add(tag, key);
    yield;
  }
  insert.finish();
  insertTag.finish();
}

/**
 * Writes related events. Every step is one event: others may run in between.
 *
 * @param prepare The database.
 * @param related The events.
 * @param mode `"adding"`: none was written before.
 */
export function* writeRelated(
  prepare: Prepare,
  related: readonly RelatedChange[],
  mode: RowsMode,
): Generator<void> {
  const ending = mode === "indexed" ? UNLESS_THERE : "";
  const insert = new RowInserter(prepare, { sql: RELATED, columns: 3, ending });
  const insertTag = new RowInserter(prepare, {
    sql: RELATED_TAGS,
    columns: 2,
    ending,
  });
  for (const { tags, position, text } of related) {
    insert.add(position, text, sumOfRelated(position, text));
    for (const tag of tags) insertTag.add(tag, position);
    yield;
  }
  insert.finish();
  insertTag.finish();
}

/**
 * The documents of rows, checked.
 *
 * @param rows Rows of `key`, `text` and `sum`.
 * @returns The documents.
 * @throws {DamagedRowError} If one is not what was written.
 */
export function* checkedDocuments(
  rows: Iterable<unknown>,
): Generator<StoredDocument> {
  for (const row of rows) {
    const document = row as DocumentRow;
    assertDocument(document);
    yield document;
  }
}

/**
 * Checks every document and related event.
 *
 * @param database A generation of the present format.
 * @throws {DamagedRowError} If one is not what was written.
 */
export function checkRows(database: DatabaseSync): void {
  const documents = "SELECT key, state AS text, sum FROM documents";
  for (const _ of checkedDocuments(database.prepare(documents).iterate()));
  const related = "SELECT position, event, sum FROM related_events";
  for (const row of database.prepare(related).iterate()) {
    assertRelated(Number(row.position), String(row.event), row.sum);
  }
}

/**
 * Reads documents by key; their index must be there.
 *
 * @param prepare The database.
 * @param keys Which ones.
 * @returns The texts of those that exist.
 * @throws {DamagedRowError} If one is not what was written.
 */
export function readMany(
  prepare: Prepare,
  keys: readonly string[],
): Map<string, string> {
  const found = new Map<string, string>();
  const select = prepare(
    "SELECT state AS text, sum FROM documents WHERE key = ?",
  );
  for (const key of keys.filter(isFindable)) {
    const row = select.get(key) as DocumentRow | undefined;
    if (!row) continue;
    assertDocument({ key, text: row.text, sum: row.sum });
    found.set(key, row.text);
  }
  return found;
}

/**
 * Reads a page of documents; their index must be there.
 *
 * @param prepare The database.
 * @param request Which ones.
 * @returns The documents in the order asked for.
 * @throws {DamagedRowError} If one is not what was written.
 */
export function readPage(
  prepare: Prepare,
  { after, limit, backwards, tag }: PageRequest,
): StoredDocument[] {
  if (tag !== undefined && !isFindable(tag)) return [];
  const [table, prefix] = tag === undefined
    ? ["documents", ""]
    : ["document_tags JOIN documents USING (key)", "tag = :tag AND "];
  const [comparison, order] = backwards ? ["<", "DESC"] : [">", "ASC"];
  const bound = after === undefined ? "TRUE" : `key ${comparison} :after`;
  const select = prepare(
    `SELECT key, state AS text, sum FROM ${table} WHERE ${prefix}${bound} ` +
      `ORDER BY key ${order} LIMIT :limit`,
  );
  const parameters = {
    limit,
    ...(after === undefined ? {} : { after }),
    ...(tag === undefined ? {} : { tag }),
  };
  const rows = select.all(parameters) as unknown as DocumentRow[];
  for (const row of rows) assertDocument(row);
  return rows;
}

/**
 * Reads the related events kept under each tag, in order of position; their index must be there.
 *
 * @param prepare The database.
 * @param tags Which tags.
 * @returns The events as JSON texts.
 * @throws {DamagedRowError} If one is not what was written.
 */
export function readRelated(
  prepare: Prepare,
  tags: readonly Tag[],
): Map<Tag, string[]> {
  const select = prepare(
    "SELECT position, event, sum FROM related_tags JOIN related_events USING (position) " +
      "WHERE tag = ? ORDER BY position",
  );
  const eventsOf = (tag: Tag) =>
    isFindable(tag)
      ? select.all(tag).map(({ position, event, sum }) => {
        const text = String(event);
        assertRelated(Number(position), text, sum);
        return text;
      })
      : [];
  return new Map(tags.map((tag) => [tag, eventsOf(tag)]));
}
