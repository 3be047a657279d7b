/**
 * The fold: the one piece of code that turns events into documents, live and in rebuilds alike.
 * That both run through here, one transaction a commit, is why what is rebuilt equals what was
 * kept up to date.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";
import type { EventBatch } from "../events/event_store.ts";
import type { ProjectionDefinition } from "./definition.ts";
import { DefinitionCode } from "./definition_code.ts";
import { type CachedDocument, FoldCache } from "./fold_cache.ts";
import { freezeEvents } from "./freeze_events.ts";
import type {
  DocumentChange,
  Generation,
  RelatedChange,
} from "./projection_store.ts";

const NO_EVENTS: readonly never[] = Object.freeze([]);

/** Documents that are turned into text between two looks at whether to stop. */
const STOP_CHECK_DOCUMENTS = 64;

/** Related events of a build that are held back until they are written, at most. */
const RELATED_ROWS_MAX = 1_000;

/** How a fold goes about it. */
export interface FoldOptions {
  /** Position up to which the generation has applied the log. */
  readonly checkpoint: Position;
  /**
   * Called now and then during long work; what it throws ends the work. @default {does nothing}
   */
  readonly throwIfStopped?: () => void;
  /**
   * For a generation under construction: related events are written as they go by, and at most
   * so many bytes of them are held. Left out for live updates, which write with the commit.
   */
  readonly relatedBytesMax?: number;
}

/** A division of the keys, so that one part after the other can be folded. */
export interface KeyParts {
  /** How many parts. */
  readonly count: number;
  /** The part of a key, 0 to `count` - 1. */
  of(key: string): number;
}

/** Everything is in the one part. */
const WHOLE: KeyParts = { count: 1, of: () => 0 };

/** One event with what it will need. */
interface Task {
  readonly event: StoredEvent;
  readonly keys: readonly string[];
  readonly relatedTags: readonly Tag[];
  /** Whether it is to be kept for later events. */
  readonly keep: boolean;
}

/**
 * Folds events into a generation. Nothing is there to stay before {@linkcode Fold.flush}.
 *
 * Documents that do not fit in memory are folded part by part: {@linkcode Fold.divide}, then
 * {@linkcode Fold.pass} for what is put aside, then for each part {@linkcode Fold.openPart},
 * {@linkcode Fold.applyToPart} and {@linkcode Fold.writePart}, and a flush.
 *
 * After an error the fold is of no use any more: begin another one from the generation's
 * checkpoint.
 */
export class Fold {
  readonly #code: DefinitionCode;
  readonly #generation: Generation;
  readonly #options: FoldOptions;
  /** To one text a type: the last one of each document is held, and texts take memory. */
  readonly #eventTypes: ReadonlyMap<string, string>;
  readonly #relatedTypes: ReadonlySet<string>;
  readonly #cache: FoldCache;
  #parts: KeyParts = WHOLE;
  #part = 0;
  #newRelated: RelatedChange[] = [];
  #documentsDelta = 0;
  #eventsDelta = 0;
  #checkpoint: Position;
  #committed: Position;
  #eventsApplied = 0;

  /**
   * @param definition The projection.
   * @param generation Where it goes.
   * @param options Where it starts, and its bounds.
   */
  constructor(
    definition: ProjectionDefinition,
    generation: Generation,
    options: FoldOptions,
  ) {
    const { checkpoint } = options;
    this.#code = new DefinitionCode(definition);
    this.#generation = generation;
    this.#options = options;
    this.#eventTypes = new Map(
      definition.eventTypes.map((type) => [type, type]),
    );
    this.#relatedTypes = new Set(definition.related?.eventTypes ?? []);
    this.#cache = new FoldCache(checkpoint === 0);
    this.#checkpoint = checkpoint;
    this.#committed = checkpoint;
  }

  /** The projection. */
  get projectionName(): string {
    return this.#code.projectionName;
  }

  /** Every event up to this position is folded or put aside, if not yet stored. */
  get checkpoint(): Position {
    return this.#checkpoint;
  }

  /** Events applied by this fold. */
  get eventsApplied(): number {
    return this.#eventsApplied;
  }

  /** Estimate of the memory held by documents, in bytes. */
  get bytes(): number {
    return this.#cache.bytes;
  }

  /** Whether events of a type change documents. */
  applies(type: string): boolean {
    return this.#eventTypes.has(type);
  }

  /** Whether events of a type are kept for later ones. */
  keeps(type: string): boolean {
    return this.#relatedTypes.has(type);
  }

  /**
   * Folds a batch that continues where the last one ended. Events at or before the checkpoint
   * are passed over, so a batch may overlap what is folded already.
   *
   * @param batch Events, frozen by {@linkcode freezeEvents}.
   * @throws {ProjectionApplyError} If the definition's code fails on an event.
   */
  async apply(batch: EventBatch): Promise<void> {
    const tasks: Task[] = [];
    for (const event of batch.events) {
      if (event.position <= this.#checkpoint) continue;
      tasks.push(this.#plan(event));
    }
    await this.#run(tasks, batch.bytes / Math.max(batch.events.length, 1));
    this.#checkpoint = Math.max(this.#checkpoint, batch.through);
  }

  /** Stores what was folded, with the checkpoint, in one transaction. */
  async flush(): Promise<void> {
    if (this.#checkpoint === this.#committed) return;
    await this.#generation.commit({
      documents: this.#changes(),
      related: this.#newRelated,
      checkpoint: this.#checkpoint,
      documentsDelta: this.#documentsDelta,
      eventsDelta: this.#eventsDelta,
    });
    this.#newRelated = [];
    this.#documentsDelta = 0;
    this.#eventsDelta = 0;
    this.#committed = this.#checkpoint;
  }

  /** Divides the documents: from now on events are put aside instead of being folded at once. */
  divide(parts: KeyParts): void {
    this.#parts = parts;
    this.#cache.divide(parts);
  }

  /**
   * The keys of an event that is to be put aside; none for one that was folded already.
   *
   * @param event The event, frozen.
   * @returns The keys whose documents it changes.
   * @throws {ProjectionApplyError} If the definition's code fails on the event.
   */
  keysOf(event: StoredEvent): readonly string[] {
    if (event.position <= this.#checkpoint) return NO_EVENTS;
    const keys = this.#code.keys(event);
    if (keys.length > 0) this.#count();
    return keys;
  }

  /** Keeps an event for later ones while it goes by. */
  keep(event: StoredEvent, bytes: number): void {
    if (event.position > this.#checkpoint) this.#keepRelated(event, bytes);
  }

  /** Takes note that everything up to a position was put aside. */
  async pass(through: Position): Promise<void> {
    await this.#writeRelated(RELATED_ROWS_MAX);
    this.#checkpoint = Math.max(this.#checkpoint, through);
  }

  /** Goes on to a part: its documents are in memory, and those of the others are not. */
  openPart(part: number): void {
    this.#part = part;
    this.#cache.openPart(part);
  }

  /**
   * Folds events that were put aside into the documents of the open part.
   *
   * @param events In order of position, frozen.
   * @param bytes Their size as text.
   * @throws {ProjectionApplyError} If the definition's code fails on an event.
   */
  async applyToPart(
    events: readonly StoredEvent[],
    bytes: number,
  ): Promise<void> {
    const tasks: Task[] = [];
    for (const event of events) tasks.push(this.#plan(event));
    await this.#run(tasks, bytes / Math.max(events.length, 1));
  }

  /** Writes the documents of the open part and lets go of them. */
  async writePart(): Promise<void> {
    await this.#generation.stage({
      documents: this.#changes(),
      related: this.#newRelated,
    });
    this.#newRelated = [];
    this.#cache.closePart();
  }

  /** Ends the division, after a flush: what comes next is folded at once, as far as it fits. */
  unite(): void {
    this.#parts = WHOLE;
    this.#part = 0;
    this.#cache.unite();
  }

  async #run(tasks: readonly Task[], bytesPerEvent: number): Promise<void> {
    this.#options.throwIfStopped?.();
    // Else nothing is in the generation that is not in memory, as in every build that fits.
    if (!this.#cache.complete || !this.#cache.relatedComplete) {
      await this.#load(tasks);
    }
    for (const task of tasks) this.#fold(task, bytesPerEvent);
    await this.#writeRelated(RELATED_ROWS_MAX);
    const { relatedBytesMax = Infinity } = this.#options;
    if (this.#cache.relatedBytes > relatedBytesMax) {
      // Found again in the generation.
      await this.#writeRelated(1);
      this.#cache.clearRelated();
    }
  }

  get #isBuild(): boolean {
    return this.#options.relatedBytesMax !== undefined;
  }

  /** While building, related events are written when there are enough of them. */
  async #writeRelated(rowsMin: number): Promise<void> {
    if (!this.#isBuild) return;
    if (this.#newRelated.length < rowsMin) return;
    await this.#generation.stage({ documents: [], related: this.#newRelated });
    this.#newRelated = [];
  }

  #plan(event: StoredEvent): Task {
    const { type } = event;
    // What was put aside was kept when it went by.
    const keep = this.#parts === WHOLE && this.#relatedTypes.has(type);
    if (!this.#eventTypes.has(type)) {
      return { event, keys: NO_EVENTS, relatedTags: NO_EVENTS, keep };
    }
    const all = this.#code.keys(event);
    const keys = this.#parts === WHOLE
      ? all
      : all.filter((key) => this.#parts.of(key) === this.#part);
    const relatedTags = keys.length > 0
      ? this.#code.relatedTags(event)
      : NO_EVENTS;
    return { event, keys, relatedTags, keep };
  }

  /** Brings in what the tasks need and the cache does not hold. */
  async #load(tasks: readonly Task[]): Promise<void> {
    const cache = this.#cache;
    const keys = new Set<string>();
    const tags = new Set<Tag>();
    for (const task of tasks) {
      for (const key of task.keys) if (!cache.documents.has(key)) keys.add(key);
      for (const tag of task.relatedTags) {
        if (!cache.related.has(tag)) tags.add(tag);
      }
      // Live, events to keep join the list of their tag, which must therefore be there; a build
      // writes them before it reads.
      if (!task.keep || this.#isBuild) continue;
      for (const tag of task.event.tags) {
        if (!cache.related.has(tag)) tags.add(tag);
      }
    }
    if (!cache.complete && keys.size > 0) {
      const texts = await this.#generation.getMany([...keys]);
      for (const key of keys) this.#addDocument(key, texts.get(key));
    }
    if (!cache.relatedComplete && tags.size > 0) {
      await this.#writeRelated(1);
      const events = await this.#generation.related([...tags]);
      for (const tag of tags) this.#addRelated(tag, events.get(tag) ?? []);
    }
  }

  #addDocument(key: string, text: string | undefined): void {
    const state = text === undefined ? undefined : JSON.parse(text);
    const tags = text === undefined
      ? NO_EVENTS
      : this.#code.tags(state, key, undefined);
    this.#cache.addDocument(key, state, text?.length ?? 0, tags);
  }

  #addRelated(tag: Tag, texts: readonly string[]): void {
    const events: StoredEvent[] = texts.map((text) => JSON.parse(text));
    freezeEvents(events);
    const textBytes = texts.reduce((sum, { length }) => sum + length, 0);
    this.#cache.addRelated(tag, events, textBytes);
  }

  #fold({ event, keys, relatedTags, keep }: Task, bytesPerEvent: number): void {
    if (keys.length > 0) {
      const related = relatedTags.length === 0
        ? NO_EVENTS
        : this.#relatedEvents(relatedTags, event.position);
      for (const key of keys) this.#applyTo(key, event, related, bytesPerEvent);
      // One that was put aside was counted then: it may concern several parts.
      if (this.#parts === WHOLE) this.#count();
    }
    // After it was applied: an event is never related to itself.
    if (keep) this.#keepRelated(event, bytesPerEvent);
  }

  #count(): void {
    this.#eventsDelta++;
    this.#eventsApplied++;
  }

  /** Earlier events that bear any of the tags, in order of position. */
  #relatedEvents(
    tags: readonly Tag[],
    before: Position,
  ): readonly StoredEvent[] {
    const [tag] = tags;
    if (tag !== undefined && tags.length === 1) {
      return earlierThan(before, this.#cache.related.get(tag) ?? NO_EVENTS);
    }
    // An event that bears several of the tags stands in several lists.
    const byPosition = new Map<Position, StoredEvent>();
    for (const tag of tags) {
      const events = this.#cache.related.get(tag) ?? NO_EVENTS;
      for (const event of earlierThan(before, events)) {
        byPosition.set(event.position, event);
      }
    }
    return [...byPosition.values()].sort((a, b) => a.position - b.position);
  }

  #applyTo(
    key: string,
    event: StoredEvent,
    related: readonly StoredEvent[],
    bytesPerEvent: number,
  ): void {
    const document = this.#cache.documents.get(key) ??
      this.#cache.addDocument(key, undefined, 0, NO_EVENTS);
    const before = document.state;
    const state = this.#code.apply(before, event, { key, related });
    document.state = state;
    document.dirty = true;
    document.lastPosition = event.position;
    document.lastType = this.#eventTypes.get(event.type);
    this.#documentsDelta += Number(state !== undefined) -
      Number(before !== undefined);
    this.#cache.grow(document, bytesPerEvent);
  }

  #keepRelated(event: StoredEvent, bytes: number): void {
    const text = JSON.stringify(event);
    for (const tag of new Set(event.tags)) {
      this.#newRelated.push({ tag, position: event.position, text });
      const isListed = this.#cache.relatedComplete ||
        this.#cache.related.has(tag);
      if (isListed) this.#cache.keepRelated(tag, event, bytes);
    }
  }

  /** The changed documents in order of key, turned into text only when they are taken. */
  *#changes(): Generator<DocumentChange> {
    const dirty: string[] = [];
    for (const [key, document] of this.#cache.documents) {
      if (document.dirty) dirty.push(key);
    }
    // By UTF-16 units, which is quick and all but the order of the file.
    for (const [index, key] of dirty.sort().entries()) {
      if (index % STOP_CHECK_DOCUMENTS === 0) this.#options.throwIfStopped?.();
      const document = this.#cache.documents.get(key);
      if (document) yield this.#toChange(key, document);
    }
  }

  #toChange(key: string, document: CachedDocument): DocumentChange {
    const { state, persistedTags } = document;
    const lastEvent = {
      position: document.lastPosition,
      type: document.lastType ?? "unknown",
    };
    const text = state === undefined ? null : this.#code.text(state, lastEvent);
    const tags = state === undefined
      ? NO_EVENTS
      : this.#code.tags(state, key, lastEvent);
    const change = {
      key,
      text,
      tagsAdded: tags.filter((tag) => !persistedTags.includes(tag)),
      tagsRemoved: persistedTags.filter((tag) => !tags.includes(tag)),
    };
    document.dirty = false;
    document.persistedTags = tags;
    this.#cache.resize(document, this.#cache.weigh(key, text?.length ?? 0));
    return change;
  }
}

/**
 * The events before a position. While folding part by part, and when read back from a build that
 * was interrupted, later ones are there, too.
 */
function earlierThan(
  before: Position,
  events: readonly StoredEvent[],
): readonly StoredEvent[] {
  const last = events.at(-1);
  // A copy: the list goes on growing.
  if (last === undefined || last.position < before) return events.slice();
  return events.filter(({ position }) => position < before);
}
