/**
 * Looking at every row of a generation, whatever is wrong with it, piece by piece.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Position, Tag } from "../events/event.ts";
import { execute } from "../storage/sqlite_execute.ts";
import { Yielder } from "../storage/yielder.ts";
import type { Checkpoint } from "./definition.ts";
import {
  type FoundDocument,
  type FoundEvent,
  type FoundRow,
  type FoundTag,
  IrreparableError,
  type Look,
} from "./mending.ts";
import {
  BY_KEY,
  BY_POSITION,
  BY_ROW,
  type PageOrder,
  type Row,
  rowPages,
} from "./row_pages.ts";
import { sumOfDocument, sumOfRelated } from "./row_sums.ts";
import { readSoundMeta } from "./sqlite_connection.ts";

/** Rows read at a time: documents may be large, what indexes hold is small. */
const TEXTS = 100;
const KEYS = 2_000;

/** A look at a SQLite generation. */
export class GenerationLook implements Look {
  readonly checkpoint: Checkpoint;
  readonly documentCount: number;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param database A connection that serves nothing else; it is closed with this. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    execute(database, "BEGIN");
    const meta = readSoundMeta(database);
    this.checkpoint = Number(meta.get("checkpoint"));
    this.documentCount = Number(meta.get("documents"));
  }

  async *documents(): AsyncGenerator<FoundDocument> {
    const sql = "SELECT rowid AS row, key, state AS text, sum FROM documents " +
      `WHERE rowid > ? ORDER BY rowid LIMIT ${TEXTS}`;
    let count = 0;
    for await (const found of this.#rows(sql, BY_ROW)) {
      const document = toDocument(found);
      if (this.rowOf(document.key) !== document.row) throw notFound();
      count++;
      yield document;
    }
    if (count !== await this.countDocuments()) throw notFound();
  }

  async *rows(): AsyncGenerator<FoundRow> {
    const sql = "SELECT rowid AS row, key FROM documents " +
      `WHERE rowid > ? ORDER BY rowid LIMIT ${KEYS}`;
    for await (const { row, key } of this.#rows(sql, BY_ROW)) {
      if (typeof key !== "string") throw notFound();
      yield { row: Number(row), key };
    }
  }

  async *tags(): AsyncGenerator<FoundTag> {
    const sql = "SELECT rowid AS row, tag, key FROM document_tags " +
      `WHERE rowid > ? ORDER BY rowid LIMIT ${KEYS}`;
    const find = this.#prepare(
      "SELECT rowid AS row FROM document_tags INDEXED BY document_tags_by_tag " +
        "WHERE tag = ? AND key = ?",
    );
    let count = 0;
    for await (const { row, tag, key } of this.#rows(sql, BY_ROW)) {
      if (typeof tag !== "string" || typeof key !== "string") throw notFound();
      if (find.get(tag, key)?.row !== row) throw notFound();
      count++;
      yield { row: Number(row), tag, key };
    }
    const index = "SELECT tag, key FROM document_tags " +
      "INDEXED BY document_tags_by_tag WHERE (tag, key) > (?, ?) " +
      `ORDER BY tag, key LIMIT ${KEYS}`;
    const found = await this.#count(index, {
      columns: ["tag", "key"],
      start: ["", ""],
    });
    if (count !== found) throw notFound();
  }

  async *related(): AsyncGenerator<FoundEvent> {
    const sql = "SELECT position, event AS text, sum FROM related_events " +
      `WHERE position > ? ORDER BY position LIMIT ${TEXTS}`;
    for await (const found of this.#rows(sql, BY_POSITION)) {
      const position = Number(found.position);
      const text = String(found.text);
      if (found.sum !== sumOfRelated(position, text)) {
        throw new IrreparableError("A related event is damaged");
      }
      yield { position, text };
    }
  }

  /** How many documents are found by their keys. */
  async countDocuments(): Promise<number> {
    const sql = "SELECT key FROM documents INDEXED BY documents_by_key " +
      `WHERE key > ? ORDER BY key LIMIT ${KEYS}`;
    return await this.#count(sql, BY_KEY);
  }

  async countRelatedTags(): Promise<number> {
    const table = "SELECT rowid AS row FROM related_tags NOT INDEXED " +
      `WHERE rowid > ? ORDER BY rowid LIMIT ${KEYS}`;
    const index = "SELECT tag, position FROM related_tags " +
      "INDEXED BY related_tags_by_tag WHERE (tag, position) > (?, ?) " +
      `ORDER BY tag, position LIMIT ${KEYS}`;
    const count = await this.#count(table, BY_ROW);
    const found = await this.#count(index, {
      columns: ["tag", "position"],
      start: ["", 0],
    });
    if (count !== found) throw notFound();
    return count;
  }

  isRelated(tag: Tag, position: Position): boolean {
    return this.#prepare(
      "SELECT 1 FROM related_tags INDEXED BY related_tags_by_tag " +
        "WHERE tag = ? AND position = ?",
    ).get(tag, position) !== undefined;
  }

  rowOf(key: string): number | undefined {
    const row = this.#prepare(
      "SELECT rowid AS row FROM documents INDEXED BY documents_by_key WHERE key = ?",
    ).get(key)?.row;
    return row === undefined ? undefined : Number(row);
  }

  find(key: string): FoundDocument | undefined {
    const row = this.#prepare(
      "SELECT rowid AS row, ? AS key, state AS text, sum FROM documents " +
        "INDEXED BY documents_by_key WHERE key = ?",
    ).get(key, key);
    return row && toDocument(row);
  }

  isTagged(tag: Tag, key: string): boolean {
    return this.#prepare(
      "SELECT 1 FROM document_tags INDEXED BY document_tags_by_tag " +
        "WHERE tag = ? AND key = ?",
    ).get(tag, key) !== undefined;
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** Others run between two pages. */
  async *#rows(sql: string, order: PageOrder): AsyncGenerator<Row> {
    const yielder = new Yielder();
    for (const rows of rowPages(this.#prepare(sql), order, notFound)) {
      yield* rows;
      await yielder.yieldIfDue();
    }
  }

  async #count(sql: string, order: PageOrder): Promise<number> {
    let count = 0;
    for await (const _ of this.#rows(sql, order)) count++;
    return count;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function toDocument({ row, key, text, sum }: Row): FoundDocument {
  if (typeof key !== "string") throw notFound();
  const isText = typeof text === "string";
  return {
    row: Number(row),
    key,
    text: isText ? text : "",
    isSound: isText && sum === sumOfDocument(key, text),
  };
}

function notFound(): IrreparableError {
  return new IrreparableError("Rows and indexes do not match");
}
