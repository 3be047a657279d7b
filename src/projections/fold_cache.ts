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

/** Related events of one tag in memory. */
export interface CachedRelated {
  /** In order of position. */
  readonly events: StoredEvent[];
  /** Estimate of the memory they take. */
  bytes: number;
}

/** Documents and related events in memory, and what they weigh. */
export class FoldCache {
  /** Documents by key. */
  readonly documents = new Map<string, CachedDocument>();
  /** Related events by tag. */
  readonly related = new Map<Tag, CachedRelated>();
  /** Estimate of the memory that all take, in bytes. */
  bytes = 0;
  /**
   * Whether all that the generation holds is in here, so that what is missing here is missing
   * there: a build from the beginning never reads before its first eviction.
   */
  complete: boolean;

  /** @param complete Whether the generation is empty. */
  constructor(complete: boolean) {
    this.complete = complete;
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

  /** Puts the related events of a tag in. */
  addRelated(
    tag: Tag,
    events: StoredEvent[],
    textBytes: number,
  ): CachedRelated {
    const related = { events, bytes: 0 };
    this.related.set(tag, related);
    this.resize(related, this.weigh(tag, textBytes));
    return related;
  }

  /** Corrects the estimate of an entry's size. */
  resize(entry: { bytes: number }, bytes: number): void {
    // A whole number: fractions would be objects of their own in every entry.
    const whole = Math.round(bytes);
    this.bytes += whole - entry.bytes;
    entry.bytes = whole;
  }

  /** Takes note that an event of about that size went into a document. */
  grow(document: CachedDocument, eventBytes: number): void {
    this.resize(document, document.bytes + eventBytes * GROWTH_PER_EVENT_BYTE);
  }

  /** An entry's size, given the size of its text. */
  weigh(name: string, textBytes: number): number {
    return OVERHEAD_BYTES + name.length + textBytes * BYTES_PER_TEXT_BYTE;
  }

  /** Forgets everything. Only right after a flush, when nothing is dirty. */
  clear(): void {
    this.documents.clear();
    this.related.clear();
    this.bytes = 0;
    this.complete = false;
  }
}
