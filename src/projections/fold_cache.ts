/**
 * Documents and related events held in memory while they are folded: read once, changed many
 * times, written once a flush.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";

/** What a document or related event costs in memory besides its own text, in bytes. */
const OVERHEAD_BYTES = 256;
/** A parsed document takes about this many times the bytes of its text. */
const BYTES_PER_TEXT_BYTE = 3;

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
  /** Flush in which it was last needed: what was not needed for long is evicted first. */
  usedInFlush: number;
}

/** Related events of one tag in memory. */
export interface CachedRelated {
  /** In order of position. */
  readonly events: StoredEvent[];
  /** Estimate of the memory they take. */
  bytes: number;
  /** Flush in which they were last needed. */
  usedInFlush: number;
}

/** Documents and related events in memory, and what they weigh. */
export class FoldCache {
  /** Documents by key. */
  readonly documents = new Map<string, CachedDocument>();
  /** Related events by tag. */
  readonly related = new Map<Tag, CachedRelated>();
  /** Estimate of the memory that all take, in bytes. */
  bytes = 0;
  /** Number of flushes so far. */
  flushes = 0;
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
      usedInFlush: this.flushes,
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
    const related = { events, bytes: 0, usedInFlush: this.flushes };
    this.related.set(tag, related);
    this.resize(related, this.weigh(tag, textBytes));
    return related;
  }

  /** Corrects the estimate of an entry's size. */
  resize(entry: { bytes: number }, bytes: number): void {
    this.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  /** An entry's size, given the size of its text. */
  weigh(name: string, textBytes: number): number {
    return OVERHEAD_BYTES + name.length + textBytes * BYTES_PER_TEXT_BYTE;
  }

  /**
   * Evicts until at most `bytesMax` are held: first what was not needed since the last flush,
   * then anything. Only right after a flush, when nothing is dirty.
   */
  evict(bytesMax: number): void {
    for (const everything of [false, true]) {
      for (const map of [this.documents, this.related] as const) {
        for (const [name, entry] of map) {
          if (this.bytes <= bytesMax) return;
          if (!everything && entry.usedInFlush >= this.flushes - 1) continue;
          map.delete(name);
          this.bytes -= entry.bytes;
          this.complete = false;
        }
      }
    }
  }
}
