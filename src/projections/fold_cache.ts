/**
 * Documents and related events held in memory while they are folded: read once, changed many
 * times, written once a flush.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";

/*
 * Measured on the sample's 1,000,000 events: after a flush the estimate is 1.0 to 1.45 times what
 * the heap holds. Before it, documents that only count weigh too much, as if they grew.
 */
/** What a document or a list of related events costs in memory besides its own text, in bytes. */
const OVERHEAD_BYTES = 160;
/** A parsed document takes about this many times the bytes of its text. */
const BYTES_PER_TEXT_BYTE = 1.5;
/** A document grows by about this part of each event that is applied to it. */
const GROWTH_PER_EVENT_BYTE = 0.5;

/** A document in memory. */
export interface CachedDocument {
  /** The document, or `undefined` when there is none. */
  state: unknown;
  /** The tags that the generation holds for it. */
  persistedTags: readonly Tag[];
  /** Whether it differs from what the generation holds. */
  dirty: boolean;
  /** The last event applied to it, for messages; 0 for none. */
  lastPosition: Position;
  lastType: string | undefined;
  /** Estimate of the memory it takes. */
  bytes: number;
}

/** A division of the keys into parts 0 to `count` - 1. */
interface Parts {
  readonly count: number;
  of(key: string): number;
}

/** Documents and related events in memory, and what they weigh. */
export class FoldCache {
  /** Documents by key: of the open part, while they are divided. */
  documents = new Map<string, CachedDocument>();
  /** Related events by tag, in order of position. */
  readonly related = new Map<Tag, StoredEvent[]>();
  /** Estimate of the memory that documents take, in bytes. */
  bytes = 0;
  /** Estimate of the memory that related events take, in bytes. */
  relatedBytes = 0;
  /**
   * Whether all documents that the generation holds are in here, so that what is missing here is
   * missing there.
   */
  complete: boolean;
  /** The same of the related events. */
  relatedComplete: boolean;
  #parts: (Map<string, CachedDocument> | undefined)[] = [];

  /** @param complete Whether the generation is empty. */
  constructor(complete: boolean) {
    this.complete = complete;
    this.relatedComplete = complete;
  }

  /** Puts a document in, as the generation holds it. */
  addDocument(
    key: string,
    state: unknown,
    textBytes: number,
    persistedTags: readonly Tag[],
  ): CachedDocument {
    const document: CachedDocument = {
      state,
      persistedTags,
      dirty: false,
      lastPosition: 0,
      lastType: undefined,
      bytes: 0,
    };
    this.documents.set(key, document);
    this.resize(document, this.weigh(key, textBytes));
    return document;
  }

  /** Puts the related events of a tag in, as the generation holds them. */
  addRelated(tag: Tag, events: StoredEvent[], textBytes: number): void {
    this.related.set(tag, events);
    this.relatedBytes += this.weigh(tag, textBytes);
  }

  /** Puts one more related event of a tag in. */
  keepRelated(tag: Tag, event: StoredEvent, textBytes: number): void {
    const events = this.related.get(tag);
    if (events) events.push(event);
    else this.related.set(tag, [event]);
    this.relatedBytes += Math.round(this.weigh(tag, textBytes));
  }

  /** Forgets the related events; they are in the generation. */
  clearRelated(): void {
    this.related.clear();
    this.relatedBytes = 0;
    this.relatedComplete = false;
  }

  /** Corrects the estimate of a document's size. */
  resize(document: CachedDocument, bytes: number): void {
    // A whole number: fractions would be objects of their own in every document.
    const whole = Math.round(bytes);
    this.bytes += whole - document.bytes;
    document.bytes = whole;
  }

  /** Takes note that an event of about that size went into a document. */
  grow(document: CachedDocument, eventBytes: number): void {
    this.resize(document, document.bytes + eventBytes * GROWTH_PER_EVENT_BYTE);
  }

  /** A size, given the size of the text. */
  weigh(name: string, textBytes: number): number {
    return OVERHEAD_BYTES + name.length + textBytes * BYTES_PER_TEXT_BYTE;
  }

  /** Divides the documents; none is open then. */
  divide({ count, of }: Parts): void {
    this.#parts = new Array(count).fill(undefined);
    for (const [key, document] of this.documents) {
      const part = of(key);
      (this.#parts[part] ??= new Map()).set(key, document);
    }
    this.documents = new Map();
  }

  /** Makes a part's documents the ones at hand. */
  openPart(part: number): void {
    this.documents = this.#parts[part] ?? new Map();
    this.#parts[part] = undefined;
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
