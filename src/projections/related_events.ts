/**
 * The related events of a fold: kept by each of their tags as they go by, held in memory as far
 * as they may, and found again in the generation otherwise.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";
import { freezeEvents } from "./freeze_events.ts";
import type { Generation, RelatedChange } from "./projection_store.ts";
import { TagIndex } from "./tag_index.ts";
import { TextArena } from "./text_arena.ts";

const NO_EVENTS: readonly never[] = Object.freeze([]);

/** Events of a build that are held back until they are written, at most. */
const ROWS_MAX = 1_000;

/** Of the events held as texts, so many are held as objects, too: those asked for first. */
const PARSED_MAX = 32_768;

/** A tag with more events than this gets a list of them: to go through texts would take long. */
const LISTED_MIN = 16;

/** So many bytes of related events may always be held. */
const BYTES_MIN = 2 * 1_024 * 1_024;

/** About the memory of a parsed event: for itself, and for each byte of its text. */
const EVENT_BYTES = 400;
const EVENT_BYTES_PER_TEXT_BYTE = 2;

/** How related events are kept. */
export interface RelatedEventsOptions {
  /** Whether the generation holds none yet. */
  readonly complete: boolean;
  /**
   * For a build: they are written as they go by, and at most so many bytes of them are held. Left
   * out for live updates, which write with the commit.
   */
  readonly bytesMax: number | undefined;
}

/** Related events of one projection. */
export class RelatedEvents {
  readonly #generation: Generation;
  readonly #bytesMax: number | undefined;
  #arena = new TextArena();
  #index = new TagIndex();
  readonly #parsed = new Map<number, StoredEvent>();
  /** Tags with many events, and, when not all are held, those that were loaded. */
  readonly #lists = new Map<Tag, StoredEvent[]>();
  /** Memory of the lists and of what is parsed, in bytes, about. */
  #listedBytes = 0;
  #parsedBytes = 0;
  #isComplete: boolean;
  #unwritten: RelatedChange[] = [];

  /**
   * @param generation Where they are written.
   * @param options How.
   */
  constructor(
    generation: Generation,
    { complete, bytesMax }: RelatedEventsOptions,
  ) {
    this.#generation = generation;
    this.#isComplete = complete;
    this.#bytesMax = bytesMax;
  }

  /** Whether all of them are in memory, so that nothing need be loaded. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Estimate of the memory that is held, in bytes. */
  get bytes(): number {
    return this.#arena.bytes + this.#index.bytes + this.#listedBytes +
      this.#parsedBytes;
  }

  /** Keeps an event for later ones. */
  keep(event: StoredEvent): void {
    const { position } = event;
    const tags = [...new Set(event.tags)];
    const text = JSON.stringify(event);
    this.#unwritten.push({ tags, position, text });
    const at = this.#isComplete ? this.#arena.add(text) : -1;
    for (const tag of tags) {
      // Where not all are held, one whose list is not there is loaded when it is wanted.
      if (this.#isComplete) this.#index.add(tag, { position, at });
      const list = this.#lists.get(tag);
      if (!list) continue;
      list.push(event);
      this.#listedBytes += weighEvent(text.length);
    }
  }

  /** Earlier events that bear any of the tags, in order of position. */
  find(tags: readonly Tag[], before: Position): readonly StoredEvent[] {
    const [tag] = tags;
    if (tag === undefined) return NO_EVENTS;
    if (tags.length === 1) return this.#findOne(tag, before);
    // An event that bears several of the tags stands in several lists.
    const byPosition = new Map<Position, StoredEvent>();
    for (const tag of tags) {
      for (const event of this.#findOne(tag, before)) {
        byPosition.set(event.position, event);
      }
    }
    return [...byPosition.values()].sort((a, b) => a.position - b.position);
  }

  /**
   * Brings in what is not held.
   *
   * @param wanted Tags whose events are about to be asked for.
   * @param kept Tags of events that are about to be kept.
   */
  async load(wanted: ReadonlySet<Tag>, kept: ReadonlySet<Tag>): Promise<void> {
    if (this.#isComplete) return;
    // A build writes before it reads; live, events to keep join those that are held.
    const isBuild = this.#bytesMax !== undefined;
    const tags = [...isBuild ? wanted : wanted.union(kept)]
      .filter((tag) => !this.#lists.has(tag));
    if (tags.length === 0) return;
    if (isBuild) await this.write(1);
    const found = await this.#generation.related(tags);
    for (const tag of tags) {
      const texts = found.get(tag) ?? [];
      const events: StoredEvent[] = texts.map((text) => JSON.parse(text));
      freezeEvents(events);
      this.#lists.set(tag, events);
      this.#listedBytes += weighEvent(tag.length);
      for (const { length } of texts) this.#listedBytes += weighEvent(length);
    }
  }

  /** What the next commit has to write. */
  takeUnwritten(): readonly RelatedChange[] {
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    return unwritten;
  }

  /** While building, writes what waits, if it is enough. */
  async write(rowsMin: number = ROWS_MAX): Promise<void> {
    if (this.#bytesMax === undefined) return;
    if (this.#unwritten.length < rowsMin) return;
    const related = this.takeUnwritten();
    await this.#generation.stage({ documents: [], related });
  }

  /** Lets go of what is held when it is too much. */
  async trim(): Promise<void> {
    // A buffer is taken whole, however little is in it: that is not too much.
    const bytesMax = Math.max(this.#bytesMax ?? Infinity, BYTES_MIN);
    if (this.bytes <= bytesMax) return;
    await this.write(1);
    this.forget();
  }

  /** Lets go of all that is held. It must be written. */
  forget(): void {
    this.#arena = new TextArena();
    this.#index = new TagIndex();
    this.#parsed.clear();
    this.#lists.clear();
    this.#listedBytes = 0;
    this.#parsedBytes = 0;
    this.#isComplete = false;
  }

  #findOne(tag: Tag, before: Position): readonly StoredEvent[] {
    const list = this.#lists.size > 0 ? this.#lists.get(tag) : undefined;
    if (list) return earlierThan(before, list);
    if (!this.#isComplete) return NO_EVENTS;
    const places = this.#index.find(tag, before);
    const events: StoredEvent[] = [];
    for (const at of places) {
      const event = this.#eventAt(at);
      if (event.tags.includes(tag)) events.push(event);
    }
    if (events.length > LISTED_MIN) {
      const all = this.#index.find(tag, Infinity)
        .map((at) => this.#eventAt(at))
        .filter(({ tags }) => tags.includes(tag));
      this.#lists.set(tag, all);
      for (const at of places) {
        this.#listedBytes += weighEvent(this.#arena.lengthOf(at));
      }
    }
    return events;
  }

  #eventAt(at: number): StoredEvent {
    const known = this.#parsed.get(at);
    if (known) return known;
    const event: StoredEvent = JSON.parse(this.#arena.get(at));
    freezeEvents([event]);
    // A quarter of the memory: what is parsed is there as text anyway.
    const bytesMax = (this.#bytesMax ?? Infinity) / 4;
    if (this.#parsed.size < PARSED_MAX && this.#parsedBytes < bytesMax) {
      this.#parsed.set(at, event);
      this.#parsedBytes += weighEvent(this.#arena.lengthOf(at));
    }
    return event;
  }
}

function weighEvent(textBytes: number): number {
  return EVENT_BYTES + EVENT_BYTES_PER_TEXT_BYTE * textBytes;
}

/**
 * The events before a position, as a list that does not grow. While folding part by part, and
 * when read back from a build that was interrupted, later ones are there, too.
 */
function earlierThan(
  before: Position,
  events: readonly StoredEvent[],
): readonly StoredEvent[] {
  const last = events.at(-1);
  return last === undefined || last.position < before
    ? events.slice()
    : events.filter(({ position }) => position < before);
}
