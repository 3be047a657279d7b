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
import { ProjectionApplyError } from "./errors.ts";
import { type CachedDocument, FoldCache } from "./fold_cache.ts";
import { freezeEvents } from "./freeze_events.ts";
import type {
  DocumentChange,
  Generation,
  RelatedChange,
} from "./projection_store.ts";

const KEY_BYTES_MAX = 1_024;
const NO_EVENTS: readonly never[] = Object.freeze([]);

/** Where a fold starts. */
export interface FoldStart {
  /** Position up to which the generation has applied the log. */
  readonly checkpoint: Position;
}

/** Which event something failed on. */
type ApplyLocation = Pick<StoredEvent, "position" | "type">;

/** One event with what it will need. */
interface Task {
  readonly event: StoredEvent;
  readonly keys: readonly string[];
  readonly relatedTags: readonly Tag[];
}

/**
 * Folds events into a generation. Nothing is stored before {@linkcode Fold.flush}.
 *
 * After an error the fold is of no use any more: begin another one from the generation's
 * checkpoint.
 */
export class Fold {
  readonly #definition: ProjectionDefinition;
  readonly #generation: Generation;
  /** To one text a type: the last one of each document is held, and texts take memory. */
  readonly #eventTypes: ReadonlyMap<string, string>;
  readonly #relatedTypes: ReadonlySet<string>;
  readonly #cache: FoldCache;
  #newRelated: RelatedChange[] = [];
  #documentsDelta = 0;
  #eventsDelta = 0;
  #checkpoint: Position;
  #committed: Position;
  #eventsApplied = 0;

  /**
   * @param definition The projection.
   * @param generation Where it goes.
   * @param start The generation's checkpoint.
   */
  constructor(
    definition: ProjectionDefinition,
    generation: Generation,
    { checkpoint }: FoldStart,
  ) {
    this.#definition = definition;
    this.#generation = generation;
    this.#eventTypes = new Map(
      definition.eventTypes.map((type) => [type, type]),
    );
    this.#relatedTypes = new Set(definition.related?.eventTypes ?? []);
    this.#cache = new FoldCache(checkpoint === 0);
    this.#checkpoint = checkpoint;
    this.#committed = checkpoint;
  }

  /** Every event up to this position is folded, if not yet stored. */
  get checkpoint(): Position {
    return this.#checkpoint;
  }

  /** Events applied by this fold. */
  get eventsApplied(): number {
    return this.#eventsApplied;
  }

  /** Estimate of the memory held, in bytes. */
  get bytes(): number {
    return this.#cache.bytes;
  }

  /**
   * Folds a batch that continues where the last one ended. Events at or before the checkpoint
   * are passed over, so a batch may overlap what is folded already.
   *
   * @param batch Events, frozen by {@linkcode freezeEvents}.
   * @throws {ProjectionApplyError} If the definition's code fails on an event.
   */
  async apply(batch: EventBatch): Promise<void> {
    const bytesPerEvent = batch.bytes / Math.max(batch.events.length, 1);
    if (this.#cache.complete) {
      // Nothing is in the generation that is not in memory, as in every build that fits.
      for (const event of batch.events) {
        if (event.position <= this.#checkpoint) continue;
        this.#fold(this.#plan(event), bytesPerEvent);
      }
    } else {
      const tasks: Task[] = [];
      for (const event of batch.events) {
        if (event.position > this.#checkpoint) tasks.push(this.#plan(event));
      }
      await this.#load(tasks);
      for (const task of tasks) this.#fold(task, bytesPerEvent);
    }
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

  /** Frees all memory, right after a flush; otherwise does nothing. */
  evict(): void {
    if (this.#checkpoint === this.#committed) this.#cache.clear();
  }

  #plan(event: StoredEvent): Task {
    const { type } = event;
    if (!this.#eventTypes.has(type)) {
      return { event, keys: NO_EVENTS, relatedTags: NO_EVENTS };
    }
    return this.#attempt(event, () => {
      const keys = toKeys(this.#definition.key(event));
      const relatedTags = keys.length > 0
        ? this.#definition.related?.tags(event)
        : undefined;
      return { event, keys, relatedTags: relatedTags ?? NO_EVENTS };
    });
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
      // Events to keep join the list of their tag, which must therefore be there.
      if (!this.#relatedTypes.has(task.event.type)) continue;
      for (const tag of task.event.tags) {
        if (!cache.related.has(tag)) tags.add(tag);
      }
    }
    const texts = keys.size === 0
      ? new Map<string, string>()
      : await this.#generation.getMany([...keys]);
    for (const key of keys) this.#addDocument(key, texts.get(key));
    const events = tags.size === 0
      ? new Map<Tag, string[]>()
      : await this.#generation.related([...tags]);
    for (const tag of tags) this.#addRelated(tag, events.get(tag) ?? []);
  }

  #addDocument(key: string, text: string | undefined): void {
    const state = text === undefined ? undefined : JSON.parse(text);
    const tags = text === undefined ? NO_EVENTS : this.#tagsOf(state, key);
    this.#cache.addDocument(key, state, text?.length ?? 0, tags);
  }

  #addRelated(tag: Tag, texts: readonly string[]): void {
    const events: StoredEvent[] = texts.map((text) => JSON.parse(text));
    freezeEvents(events);
    const textBytes = texts.reduce((sum, { length }) => sum + length, 0);
    this.#cache.addRelated(tag, events, textBytes);
  }

  #fold({ event, keys, relatedTags }: Task, bytesPerEvent: number): void {
    if (keys.length > 0) {
      const related = this.#relatedEvents(relatedTags);
      for (const key of keys) this.#applyTo(key, event, related, bytesPerEvent);
      this.#eventsDelta++;
      this.#eventsApplied++;
    }
    // After it was applied: an event is never related to itself.
    if (this.#relatedTypes.has(event.type)) {
      this.#keepRelated(event, bytesPerEvent);
    }
  }

  #relatedEvents(tags: readonly Tag[]): readonly StoredEvent[] {
    if (tags.length === 0) return NO_EVENTS;
    const [tag] = tags;
    // A copy: the list goes on growing.
    if (tag !== undefined && tags.length === 1) {
      return this.#relatedTo(tag).slice();
    }
    const lists = [...new Set(tags)].map((tag) => this.#relatedTo(tag));
    // An event that bears several of the tags stands in several lists.
    const byPosition = new Map(
      lists.flat().map((event) => [event.position, event]),
    );
    return [...byPosition.values()].sort((a, b) => a.position - b.position);
  }

  #relatedTo(tag: Tag): readonly StoredEvent[] {
    return this.#cache.related.get(tag)?.events ?? NO_EVENTS;
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
    const state = this.#attempt(
      event,
      () =>
        toState(this.#definition.apply(before, event, { key, related }), event),
    );
    document.state = state;
    document.dirty = true;
    document.lastPosition = event.position;
    document.lastType = this.#eventTypes.get(event.type);
    this.#documentsDelta += Number(state !== undefined) -
      Number(before !== undefined);
    this.#cache.grow(document, bytesPerEvent);
  }

  #keepRelated(event: StoredEvent, bytesPerEvent: number): void {
    const text = JSON.stringify(event);
    for (const tag of new Set(event.tags)) {
      const cached = this.#cache.related.get(tag) ??
        this.#cache.addRelated(tag, [], 0);
      cached.events.push(event);
      this.#cache.resize(cached, cached.bytes + bytesPerEvent * 2);
      this.#newRelated.push({ tag, position: event.position, text });
    }
  }

  /** The changed documents in order of key, turned into text only when they are taken. */
  *#changes(): Generator<DocumentChange> {
    const dirty: string[] = [];
    for (const [key, document] of this.#cache.documents) {
      if (document.dirty) dirty.push(key);
    }
    // By UTF-16 units, which is quick and all but the order of the file.
    for (const key of dirty.sort()) {
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
    const text = state === undefined
      ? null
      : this.#attempt(lastEvent, () => toText(state));
    const tags = state === undefined
      ? NO_EVENTS
      : this.#tagsOf(state, key, lastEvent);
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

  #tagsOf(
    state: unknown,
    key: string,
    event?: ApplyLocation,
  ): readonly Tag[] {
    const { tags } = this.#definition;
    if (!tags) return NO_EVENTS;
    return this.#attempt(
      event,
      () => [...new Set(this.#definition.tags?.(state, key))],
    );
  }

  /** Runs the definition's code and says where it failed. */
  #attempt<T>(event: ApplyLocation | undefined, action: () => T): T {
    try {
      return action();
    } catch (cause) {
      const { position, type } = event ??
        { position: this.#checkpoint, type: "unknown" };
      throw new ProjectionApplyError(
        this.#definition.name,
        { position, type },
        { cause },
      );
    }
  }
}

function toKeys(keys: unknown): readonly string[] {
  if (keys === undefined || keys === null) return NO_EVENTS;
  const list = Array.isArray(keys) ? [...new Set(keys)] : [keys];
  for (const key of list) {
    if (typeof key !== "string" || key === "" || !key.isWellFormed()) {
      throw new TypeError(
        `A key must be a well-formed text that is not empty: it is ${
          JSON.stringify(key)
        }`,
      );
    }
    // A UTF-16 unit takes at most three bytes: only long keys need counting.
    if (key.length * 3 > KEY_BYTES_MAX && byteLength(key) > KEY_BYTES_MAX) {
      throw new RangeError(
        `A key must take at most ${KEY_BYTES_MAX} bytes: it takes ${
          byteLength(key)
        }`,
      );
    }
  }
  return list;
}

function toState(state: unknown, event: StoredEvent): unknown {
  if (state instanceof Promise) {
    state.catch(() => {});
    throw new TypeError("'apply' must be synchronous: it returned a promise");
  }
  // The document must stay changeable, as it is when it was read back from disk.
  return state === event.data ? structuredClone(state) : state ?? undefined;
}

function toText(state: unknown): string {
  const text = JSON.stringify(state);
  if (text === undefined) {
    throw new TypeError(`A state must be JSON data: it is a ${typeof state}`);
  }
  return text;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
