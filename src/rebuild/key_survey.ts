/**
 * Finding out which documents of a generation are missing or damaged, by its rows and by what the
 * log says there must be.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";
import type { ProjectionDefinition } from "../projections/definition.ts";
import { DefinitionCode } from "../projections/definition_code.ts";
import { IrreparableError, type Look } from "../projections/mending.ts";
import { KeyRebuildError, KEYS_MAX } from "./rebuilt_keys.ts";

/** Rows looked at between two rests. */
const ROWS = 100;

/** What is looked through. */
export interface KeySurveyOptions {
  readonly definition: ProjectionDefinition;
  /** The generation. */
  readonly look: Look;
  /** Leaves others their share of the time; what it throws ends the work. */
  readonly rest: () => Promise<void>;
  /** Told how many documents were looked at, now and then. */
  readonly onChecked: (documents: number) => void;
}

/** Looks through a generation. */
export class KeySurvey {
  /** Keys of the documents to fold anew. */
  readonly keys = new Set<string>();
  readonly #definition: ProjectionDefinition;
  readonly #look: Look;
  readonly #rest: () => Promise<void>;
  readonly #onChecked: (documents: number) => void;
  readonly #code: DefinitionCode;
  /** Rows of documents that an event of the log gives a reason to be there. */
  readonly #given = new RowSet();

  /** @param options What is looked through. */
  constructor({ definition, look, rest, onChecked }: KeySurveyOptions) {
    this.#onChecked = onChecked;
    this.#definition = definition;
    this.#look = look;
    this.#rest = rest;
    this.#code = new DefinitionCode(definition, {
      attempts: 1,
      watch: undefined,
    });
  }

  /**
   * Looks at every row: documents that are not what was written, or not tagged as they should be.
   *
   * @throws {KeyRebuildError} If there are too many.
   * @throws {IrreparableError} If something else is wrong.
   */
  async checkRows(): Promise<void> {
    let tagsExpected = 0;
    let checked = 0;
    for await (const document of this.#resting(this.#look.documents())) {
      if (++checked % ROWS === 0) this.#onChecked(checked);
      const { key, text, isSound } = document;
      const tags = isSound ? this.#tagsOf(key, text) : undefined;
      tagsExpected += tags?.length ?? 0;
      if (tags?.every((tag) => this.#look.isTagged(tag, key))) continue;
      this.#addDamaged(key);
    }
    this.#onChecked(checked);
    let tagsFound = 0;
    for await (const _ of this.#resting(this.#look.tags())) tagsFound++;
    if (tagsFound === tagsExpected && this.keys.size === 0) return;
    for await (const { tag, key } of this.#resting(this.#look.tags())) {
      if (this.keys.has(key)) continue;
      const document = this.#look.find(key);
      if (document && this.#tagsOf(key, document.text)?.includes(tag)) continue;
      this.#addDamaged(key);
    }
  }

  /**
   * Whether a document is to be folded anew, as far as can be told at its first event: it is
   * damaged or missing. Takes note that there is a reason for it.
   */
  readonly sees = (key: string): boolean => {
    // Not the document: it would be read, and summed up, once for each of its events.
    const row = this.#look.rowOf(key);
    if (row !== undefined) this.#given.add(row);
    else this.keys.add(key);
    return this.keys.has(key);
  };

  /**
   * Once the log up to the generation's checkpoint was seen: documents that nothing in it gives a
   * reason for.
   *
   * @throws {KeyRebuildError} If there are too many.
   */
  async addForeign(): Promise<void> {
    for await (const { row, key } of this.#resting(this.#look.rows())) {
      if (!this.#given.has(row)) this.#addDamaged(key);
    }
  }

  /**
   * Compares the related events with those of a fold up to the same position. One that was lost
   * may be missing in any document that came after.
   *
   * @param folded The fold.
   * @throws {IrreparableError} If they are not the same.
   */
  async compareRelated(folded: Look): Promise<void> {
    const expected = folded.related()[Symbol.asyncIterator]();
    let tags = 0;
    const found = this.#resting(this.#look.related());
    for await (const { position, text } of found) {
      const next = await expected.next();
      const isSame = !next.done && next.value.position === position &&
        next.value.text === text;
      if (!isSame) throw relatedDiffer();
      for (const tag of new Set((JSON.parse(text) as StoredEvent).tags)) {
        if (!this.#look.isRelated(tag, position)) throw relatedDiffer();
        tags++;
      }
    }
    const isAll = (await expected.next()).done &&
      tags === await this.#look.countRelatedTags();
    if (!isAll) throw relatedDiffer();
  }

  /** @throws {KeyRebuildError} If more documents are concerned than may be. */
  assertFew(options?: ErrorOptions): void {
    if (this.keys.size <= KEYS_MAX) return;
    throw new KeyRebuildError(this.#definition.name, "tooManyKeys", options);
  }

  #addDamaged(key: string): void {
    this.keys.add(key);
    this.assertFew({
      cause: new IrreparableError("Many documents are damaged"),
    });
  }

  /** Goes through rows, and rests now and then. */
  async *#resting<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    let count = 0;
    for await (const row of rows) {
      yield row;
      if (++count % ROWS === 0) await this.#rest();
    }
  }

  /** The tags that a document should have, or `undefined` if its code does not say. */
  #tagsOf(key: string, text: string): readonly string[] | undefined {
    try {
      return this.#code.tags(JSON.parse(text), key, undefined);
    } catch {
      return undefined;
    }
  }
}

function relatedDiffer(): IrreparableError {
  return new IrreparableError("Related events are not what the log says");
}

const CHUNK_BITS = 16;

/** A set of row numbers, which are dense as a rule: a bit each. */
class RowSet {
  readonly #chunks = new Map<number, Uint8Array>();

  add(row: number): void {
    const [chunk, byte, bit] = placeOf(row);
    let bytes = this.#chunks.get(chunk);
    if (!bytes) {
      bytes = new Uint8Array(2 ** (CHUNK_BITS - 3));
      this.#chunks.set(chunk, bytes);
    }
    bytes[byte] = (bytes[byte] ?? 0) | bit;
  }

  has(row: number): boolean {
    const [chunk, byte, bit] = placeOf(row);
    return ((this.#chunks.get(chunk)?.[byte] ?? 0) & bit) !== 0;
  }
}

function placeOf(row: number): [chunk: number, byte: number, bit: number] {
  const chunk = Math.floor(row / 2 ** CHUNK_BITS);
  const rest = row - chunk * 2 ** CHUNK_BITS;
  return [chunk, rest >> 3, 1 << (rest & 7)];
}
