/**
 * The tables of a generation.
 *
 * A generation is filled without indexes, in whatever order the documents come; the indexes are
 * made at the end, or as soon as something must be found. Rows in the order of a build are
 * written several times faster than rows in the order of a key.
 *
 * @module
 */

/**
 * Raised when the tables change. A generation of another format is rebuilt; one of the format
 * before serves until then.
 */
export const GENERATION_FORMAT = 4;

/** The format without checksums of rows. */
export const UNCHECKED_FORMAT = 3;

/** Lets a generation of {@linkcode UNCHECKED_FORMAT} be read as if it had them. */
export const UNCHECKED_VIEW =
  "CREATE TEMP VIEW documents AS SELECT key, state, NULL AS sum FROM main.documents";

/** The tables of an empty generation. */
export const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE documents (
    key TEXT NOT NULL, state TEXT NOT NULL, sum INTEGER NOT NULL
  );
  CREATE TABLE document_tags (tag TEXT NOT NULL, key TEXT NOT NULL);
  CREATE TABLE related_events (
    position INTEGER PRIMARY KEY, event TEXT NOT NULL, sum INTEGER NOT NULL
  );
  CREATE TABLE related_tags (tag TEXT NOT NULL, position INTEGER NOT NULL);
`;

/** The tables that are filled and found independently of each other. */
export type RowKind = "documents" | "related";

/** All of them. */
export const ROW_KINDS: readonly RowKind[] = ["documents", "related"];

/** The indexes. Unique: a row that was written twice would be noticed. */
export const INDEXES: Readonly<Record<RowKind, string>> = {
  documents: `
    CREATE UNIQUE INDEX IF NOT EXISTS documents_by_key ON documents (key);
    CREATE UNIQUE INDEX IF NOT EXISTS document_tags_by_tag ON document_tags (tag, key);
  `,
  related: `
    CREATE UNIQUE INDEX IF NOT EXISTS related_tags_by_tag ON related_tags (tag, position);
  `,
};

/** One row if the indexes of a kind are there. */
export const FIND_INDEX: Readonly<Record<RowKind, string>> = {
  documents:
    "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'document_tags_by_tag'",
  related:
    "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'related_tags_by_tag'",
};
