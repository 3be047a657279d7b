/**
 * Looking for damage in the generations of a projection: every row against its checksum, and every
 * row against the indexes, piece by piece, while others read and write.
 *
 * @module
 */
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { FileSystem } from "../storage/file_system.ts";
import { openForReading } from "../storage/sqlite_reading.ts";
import { Yielder } from "../storage/yielder.ts";
import {
  currentFileVersion,
  generationFileName,
  readCurrentFile,
} from "./generation_files.ts";
import { GENERATION_FORMAT } from "./generation_schema.ts";
import {
  BY_KEY,
  BY_POSITION,
  BY_ROW,
  type PageOrder,
  type Row,
  rowPages,
} from "./row_pages.ts";
import { otherCount, sumOfDocument, sumOfRelated } from "./row_sums.ts";
import {
  connect,
  DAMAGED,
  markDamaged,
  readAtOnce,
  readSoundMeta,
} from "./sqlite_connection.ts";
import { isLasting } from "./unusable_files.ts";
import {
  ProjectionDamagedError,
  ProjectionUnavailableError,
} from "./errors.ts";

/** What was found of the generation that serves. */
export interface ScrubbedGenerations {
  /**
   * `"unavailable"`: its files cannot be read just now, so that nothing can be said of them.
   */
  readonly state: "ok" | "absent" | "damaged" | "unavailable";
  /** Its number, or `null`. */
  readonly generation: number | null;
  /** Documents that were looked at. */
  readonly documents: number;
  /** What is wrong with it, or `null`. */
  readonly problem: string | null;
  /** What is wrong with the one that is kept for going back, or `null`. */
  readonly previousProblem: string | null;
}

/** Where to look, and how. */
export interface GenerationScrubOptions {
  readonly fileSystem: FileSystem;
  /** The projection. */
  readonly name: string;
  /** Its folder. */
  readonly directory: string;
  /** Whether nothing may be written there. @default {false} */
  readonly readOnly?: boolean;
  /** Called after each piece of work, to rest; what it throws ends the work. */
  readonly rest: () => Promise<void>;
  /**
   * Told how many documents of a generation were looked at, of how many that it says it has. What
   * it throws ends the work. @default {nobody}
   */
  readonly onChecked?: (checked: number, documents: number) => void;
}

/** Rows read at a time: documents may be large, what indexes hold is small. */
const TEXTS = 50;
const KEYS = 2_000;

/** A switch may come between two looks, and another one. */
const ATTEMPTS = 5;

/**
 * Looks for damage.
 *
 * @param options Where, and how.
 * @returns What was found. Damage does not throw.
 */
export async function scrubGenerations(
  options: GenerationScrubOptions,
): Promise<ScrubbedGenerations> {
  const { fileSystem, directory, name } = options;
  const look = () => currentFileVersion(fileSystem, directory, name);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const version = look();
      const { found, damagedPrevious } = await scrubOnce(options);
      const isSound = found.problem === null && found.previousProblem === null;
      // What is not there any more, or not as it was, may have been switched meanwhile.
      if (!isSound && look() !== version) continue;
      if (damagedPrevious !== undefined && !options.readOnly) {
        // Whoever would go back to it learns of it.
        markDamaged(damagedPrevious, found.previousProblem ?? "");
      }
      return found;
    } catch (error) {
      if (error instanceof ProjectionDamagedError) {
        const problem = `current.json: ${wordsOf(error.cause)}`;
        return { ...NOTHING, state: "damaged", problem };
      }
      const isPassing = error instanceof ProjectionUnavailableError ||
        isOfFiles(error);
      if (!isPassing) throw error;
      return { ...NOTHING, state: "unavailable", problem: wordsOf(error) };
    }
  }
  const problem = "It was switched again and again meanwhile";
  return { ...NOTHING, state: "unavailable", problem };
}

const NOTHING = {
  generation: null,
  documents: 0,
  previousProblem: null,
} as const;

interface Findings {
  readonly found: ScrubbedGenerations;
  /** The file of the previous generation, if that is damaged. */
  readonly damagedPrevious: string | undefined;
}

async function scrubOnce(options: GenerationScrubOptions): Promise<Findings> {
  const { fileSystem, directory, name } = options;
  const current = readCurrentFile(fileSystem, directory, name);
  if (!current) {
    const found = { ...NOTHING, state: "absent", problem: null } as const;
    return { found, damagedPrevious: undefined };
  }
  const fileOf = (number: number) =>
    join(directory, generationFileName(number, "complete"));
  const { generation, previous } = current;
  const serving = await scrubFile(options, fileOf(generation));
  const before = previous === null
    ? undefined
    : await scrubFile(options, fileOf(previous));
  const found = {
    ...serving,
    generation,
    previousProblem: before?.problem ?? null,
  };
  const isDamaged = previous !== null && before?.state === "damaged";
  return { found, damagedPrevious: isDamaged ? fileOf(previous) : undefined };
}

type FileFindings = Pick<
  ScrubbedGenerations,
  "state" | "documents" | "problem"
>;

async function scrubFile(
  { fileSystem, name, readOnly = false, rest, onChecked = () => {} }:
    GenerationScrubOptions,
  file: string,
): Promise<FileFindings> {
  let documents = 0;
  try {
    if (!fileSystem.exists(file)) throw new FindingError("It is missing");
    using database = readOnly
      ? connect(file, "reading")
      : openForReading(fileSystem, file);
    // Moments of its own: a long one would keep the database's log from being cut.
    if (database.isTransaction) database.exec("COMMIT");
    const scrub = new RowScrub(database, rest, onChecked);
    documents = await scrub.run(name);
    return { state: "ok", documents, problem: null };
  } catch (error) {
    // What `rest` throws, and bugs.
    if (!(error instanceof FindingError) && !isOfFiles(error)) throw error;
    const isDamage = error instanceof FindingError || isLasting(error);
    return {
      state: isDamage ? "damaged" : "unavailable",
      documents,
      problem: wordsOf(error),
    };
  }
}

/** Something is not as it was written. */
class FindingError extends Error {
  override readonly name = "FindingError";
}

/** Looks at the rows of one database. */
class RowScrub {
  readonly #database: DatabaseSync;
  readonly #rest: () => Promise<void>;
  readonly #onChecked: (checked: number, documents: number) => void;
  #hasSums = false;

  constructor(
    database: DatabaseSync,
    rest: () => Promise<void>,
    onChecked: (checked: number, documents: number) => void,
  ) {
    this.#database = database;
    this.#rest = rest;
    this.#onChecked = onChecked;
  }

  /** Returns the number of documents. */
  async run(projectionName: string): Promise<number> {
    const meta = this.#metaOrFinding();
    if (meta.get("projectionName") !== projectionName) {
      throw new FindingError("It belongs to another projection");
    }
    this.#hasSums = meta.get("format") === GENERATION_FORMAT;
    await this.#checkDocuments(Number(meta.get("documents") ?? 0));
    await this.#checkTags("document_tags", "key");
    await this.#checkRelated();
    await this.#checkTags("related_tags", "position");
    return await this.#count();
  }

  #metaOrFinding(): Map<string, unknown> {
    try {
      const meta = readSoundMeta(this.#database);
      const before = meta.get(DAMAGED);
      if (before === undefined) return meta;
      throw new FindingError(String(before));
    } catch (error) {
      if (error instanceof Error && "code" in error) throw error;
      throw new FindingError(wordsOf(error));
    }
  }

  async #checkDocuments(documents: number): Promise<void> {
    const sum = this.#hasSums ? ", sum" : "";
    const find = this.#prepare(
      "SELECT rowid AS row FROM documents INDEXED BY documents_by_key WHERE key = ?",
    );
    let checked = 0;
    this.#onChecked(checked, documents);
    await this.#pieces(
      `SELECT rowid AS row, key, state${sum} FROM documents ` +
        `WHERE rowid > ? ORDER BY rowid LIMIT ${TEXTS}`,
      BY_ROW,
      ({ row, key, state, sum }) => {
        checked++;
        const isText = typeof key === "string" && typeof state === "string";
        if (!isText || find.get(key)?.row !== row) throw mismatch();
        if (!this.#hasSums || sum === sumOfDocument(key, state)) return;
        throw new FindingError("The checksum of the document does not match");
      },
      () => this.#onChecked(checked, documents),
    );
  }

  async #checkRelated(): Promise<void> {
    if (!this.#hasSums) return;
    await this.#pieces(
      "SELECT position, event, sum FROM related_events " +
        `WHERE position > ? ORDER BY position LIMIT ${TEXTS}`,
      BY_POSITION,
      ({ position, event, sum }) => {
        if (sum === sumOfRelated(Number(position), String(event))) return;
        throw new FindingError("The checksum of the event does not match");
      },
    );
  }

  async #checkTags(table: string, column: string): Promise<void> {
    const find = this.#prepare(
      `SELECT rowid AS row FROM ${table} INDEXED BY ${table}_by_tag ` +
        `WHERE tag = ? AND ${column} = ?`,
    );
    await this.#pieces(
      `SELECT rowid AS row, tag, ${column} FROM ${table} ` +
        `WHERE rowid > ? ORDER BY rowid LIMIT ${KEYS}`,
      BY_ROW,
      (found) => {
        const { row, tag } = found;
        const other = found[column] as string | number;
        if (typeof tag !== "string" || other === null) throw mismatch();
        if (find.get(tag, other)?.row !== row) throw mismatch();
      },
    );
  }

  /**
   * Counts documents, which must be as many as the generation says, and as many as the index has.
   * All at one moment, but without resting.
   */
  async #count(): Promise<number> {
    this.#database.exec("BEGIN");
    try {
      const meta = this.#metaOrFinding();
      const found = await this.#countPieces(
        "SELECT key FROM documents INDEXED BY documents_by_key " +
          `WHERE key > ? ORDER BY key LIMIT ${KEYS}`,
        BY_KEY,
      );
      const rows = await this.#countPieces(
        "SELECT rowid AS row FROM documents NOT INDEXED " +
          `WHERE rowid > ? ORDER BY rowid LIMIT ${KEYS}`,
        BY_ROW,
      );
      if (found !== rows) throw mismatch();
      const said = meta.get("documents");
      if (said !== found) throw new FindingError(otherCount(said, found));
      return found;
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  async #countPieces(sql: string, order: PageOrder): Promise<number> {
    const yielder = new Yielder();
    let count = 0;
    for (const rows of rowPages(this.#prepare(sql), order, mismatch)) {
      count += rows.length;
      await yielder.yieldIfDue();
    }
    return count;
  }

  /** Goes through rows, each piece as it is at one moment, and rests in between. */
  async #pieces(
    sql: string,
    order: PageOrder,
    check: (row: Row) => void,
    onPiece: () => void = () => {},
  ): Promise<void> {
    const pages = rowPages(this.#prepare(sql), order, mismatch);
    const checkNext = () => {
      const { value: rows } = pages.next();
      for (const row of rows ?? []) check(row);
      return rows !== undefined;
    };
    while (readAtOnce(this.#database, checkNext)) {
      onPiece();
      await this.#rest();
    }
  }

  #prepare(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }
}

function mismatch(): FindingError {
  return new FindingError("Rows and indexes do not match");
}

/** Whether it is the system or SQLite that speaks. */
function isOfFiles(error: unknown): boolean {
  return error instanceof Error && ("code" in error || "errcode" in error) &&
    !(error instanceof DOMException);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
