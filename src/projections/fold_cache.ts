/**
 * Documents held in memory while they are folded: read once, changed many times, written once a
 * flush.
 *
 * @module
 */
import type { Position, Tag } from "../events/event.ts";
import type { ApplyLocation } from "./definition_code.ts";
import type { KeyParts } from "./key_parts.ts";

/*
 * Measured on the sample's 1,000,000 events: after a flush the estimate is 1.0 to 1.45 times what
 * the heap holds. Before it, documents that only count weigh too much, as if they grew.
 */
/** What a document or a related event costs in memory besides its own text, in bytes. */
const OVERHEAD_BYTES = 160;
/** A parsed document takes about this many times the bytes of its text. */
const BYTES_PER_TEXT_BYTE = 1.5;
/** A document grows by about this part of each event that is applied to it, until known better. */
const GROWTH_PER_EVENT_BYTE = 0.5;
/** Documents that are looked at to know it better, and about how many bytes of them. */
const SAMPLED_DOCUMENTS = 8;
const SAMPLED_BYTES = 262_144;

/** A document in memory. */
export interface CachedDocument {
  /** The document, or `undefined` when there is none. */
  state: unknown;
  /** The document as JSON text, where that is kept to go back to; `undefined` for none. */
  text: string | undefined;
  /** The tags that the generation holds for it. */
  persistedTags: readonly Tag[];
  /** Whether it differs from what the generation holds. */
  dirty: boolean;
  /** The last event applied to it, for messages; 0 for none. */
  lastPosition: Position;
  lastType: string | undefined;
  /** Estimate of the memory it takes. */
  bytes: number;
  /** The same when it was last turned into text. */
  weighedBytes: number;
}

/**
 * Estimate of the memory that something takes, in bytes.
 *
 * @param name Its key or tag.
 * @param textBytes The size of its text.
 * @returns A whole number: fractions would be objects of their own.
 */
function weigh(name: string, textBytes: number): number {
  return Math.round(
    OVERHEAD_BYTES + name.length + textBytes * BYTES_PER_TEXT_BYTE,
  );
}

/** A document that waits for its part to be opened. */
interface PackedDocument
  extends Omit<CachedDocument, "state" | "bytes" | "weighedBytes"> {
  readonly key: string;
}

/** Documents in memory, and what they weigh. */
export class FoldCache {
  /** Documents by key: of the open part, while they are divided. */
  documents = new Map<string, CachedDocument>();
  /** Estimate of the memory that documents take, in bytes. */
  bytes = 0;
  /**
   * Whether all documents that the generation holds are in here, so that what is missing here is
   * missing there.
   */
  complete: boolean;
  /** Keys of the documents at hand that differ from what the generation holds. */
  #dirty: string[] = [];
  #growthPerEventByte = GROWTH_PER_EVENT_BYTE;
  #parts: (PackedDocument[] | undefined)[] = [];

  readonly #keepsTexts: boolean;

  /**
   * @param complete Whether the generation is empty.
   * @param options Whether to keep the texts of documents beside them.
   */
  constructor(
    complete: boolean,
    { keepsTexts }: { readonly keepsTexts: boolean },
  ) {
    this.complete = complete;
    this.#keepsTexts = keepsTexts;
  }

  /** Puts a document in, as the generation holds it. */
  addDocument(
    key: string,
    text: string | undefined,
    persistedTags: readonly Tag[],
  ): CachedDocument {
    const document: CachedDocument = {
      state: text === undefined ? undefined : JSON.parse(text),
      text: this.#keepsTexts ? text : undefined,
      persistedTags,
      dirty: false,
      lastPosition: 0,
      lastType: undefined,
      bytes: 0,
      weighedBytes: 0,
    };
    this.documents.set(key, document);
    this.reweigh(key, document, text?.length ?? 0);
    return document;
  }

  /** Takes note that a document differs from what the generation holds. */
  markDirty(key: string, document: CachedDocument): void {
    // A list besides, as a commit must not look through all that is held.
    if (!document.dirty) this.#dirty.push(key);
    document.dirty = true;
  }

  /** The keys of the documents that differ from what the generation holds, to be written. */
  takeDirty(): string[] {
    const dirty = this.#dirty;
    this.#dirty = [];
    return dirty;
  }

  /** Corrects the estimate of a document's size, now that its text is known; it may be kept. */
  reweigh(key: string, document: CachedDocument, textBytes: number): void {
    const kept = document.text?.length ?? 0;
    this.#resize(document, weigh(key, textBytes) + kept);
    document.weighedBytes = document.bytes;
  }

  #resize(document: CachedDocument, bytes: number): void {
    // A whole number: fractions would be objects of their own in every document.
    const whole = Math.round(bytes);
    this.bytes += whole - document.bytes;
    document.bytes = whole;
  }

  /**
   * Looks at some of the changed documents, and corrects their estimates, and those of all others
   * when these were far too small: what an event adds to a document can be a thousand times its
   * own size.
   */
  calibrate(): void {
    const step = Math.ceil(this.#dirty.length / SAMPLED_DOCUMENTS);
    let estimated = 0;
    let weighed = 0;
    for (let i = this.#dirty.length - 1; i >= 0; i -= step) {
      const key = this.#dirty[i] as string;
      const document = this.documents.get(key);
      // A large one takes long to turn into text: it must have grown a good deal since.
      if (!document || isKnown(document)) continue;
      // Without what each has whatever it grew by.
      const fixed = weigh(key, 0);
      estimated += document.bytes - fixed;
      this.reweigh(key, document, textLengthOf(document.state));
      weighed += document.bytes - fixed;
      if (weighed > SAMPLED_BYTES) break;
    }
    if (estimated <= 0) return;
    const factor = weighed / estimated;
    if (factor < 0.5 || factor > 1.25) {
      this.#growthPerEventByte = Math.max(
        this.#growthPerEventByte * factor,
        GROWTH_PER_EVENT_BYTE,
      );
    }
    // Not the other way round: those that were not looked at may be the large ones.
    if (factor <= 1.25) return;
    for (const key of this.#dirty) {
      const document = this.documents.get(key);
      if (!document || document.weighedBytes === document.bytes) continue;
      const fixed = weigh(key, 0);
      this.#resize(document, fixed + (document.bytes - fixed) * factor);
    }
  }

  /** Takes note that an event of about that size went into a document. */
  grow(document: CachedDocument, eventBytes: number): void {
    this.#resize(
      document,
      document.bytes + eventBytes * this.#growthPerEventByte,
    );
  }

  /** Lets go of documents that are written, the longest held first, until the rest weighs less. */
  shed(bytesMax: number): void {
    for (const [key, { dirty, bytes }] of this.documents) {
      if (this.bytes <= bytesMax) return;
      if (dirty) continue;
      this.documents.delete(key);
      this.bytes -= bytes;
      this.complete = false;
    }
  }

  /**
   * Divides the documents; none is open then.
   *
   * They wait as texts. As objects they would be old ones, and whatever is added to old objects
   * stays in memory long after they are let go of: to the garbage collector's quick rounds, what
   * an old object points to is alive, even when nothing points to that object any more.
   *
   * @param parts How to divide them.
   * @param toText Turns a document into text.
   */
  divide(
    { count, of }: KeyParts,
    toText: (document: CachedDocument) => string,
  ): void {
    this.#parts = new Array(count).fill(undefined);
    for (const [key, document] of this.documents) {
      const { state, bytes: _, weighedBytes: __, ...rest } = document;
      const text = state === undefined
        ? undefined
        : document.text ?? toText(document);
      (this.#parts[of(key)] ??= []).push({ ...rest, key, text });
    }
    this.documents = new Map();
    this.#dirty = [];
    this.bytes = 0;
  }

  /** Makes a part's documents the ones at hand. */
  openPart(part: number): void {
    for (
      const { key, text, persistedTags, ...rest } of this.#parts[part] ?? []
    ) {
      Object.assign(this.addDocument(key, text, persistedTags), rest);
      if (rest.dirty) this.#dirty.push(key);
    }
    this.#parts[part] = undefined;
  }

  /** Whether any document at hand differs from what the generation holds. */
  get isDirty(): boolean {
    return this.#dirty.length > 0;
  }

  /** Forgets the documents of the open part, which are written. */
  closePart(): void {
    for (const { bytes } of this.documents.values()) this.bytes -= bytes;
    this.documents = new Map();
  }

  /** Ends the division: all parts are written and forgotten. */
  unite(): void {
    this.#parts = [];
    this.complete = false;
  }
}

/** The last event applied to a document, for messages. */
export function lastEventOf(
  { lastPosition: position, lastType: type = "unknown" }: CachedDocument,
): ApplyLocation {
  return { position, type };
}

/** Whether a document is large, and has not doubled since it was last turned into text. */
function isKnown({ bytes, weighedBytes }: CachedDocument): boolean {
  return weighedBytes > SAMPLED_BYTES && bytes < weighedBytes * 2;
}

function textLengthOf(state: unknown): number {
  try {
    return JSON.stringify(state)?.length ?? 0;
  } catch {
    // It is told when the document is written.
    return 0;
  }
}
