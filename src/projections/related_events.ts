/**
 * The related events of a fold: kept by each of their tags as they go by, held in memory as far
 * as they may, and found again in the generation otherwise.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";
import { freezeEvents } from "./freeze_events.ts";
import { KeptEvents, weighEvent } from "./kept_events.ts";
import type { Generation, RelatedChange } from "./projection_store.ts";
import { TagIndex } from "./tag_index.ts";

const NO_EVENTS: readonly never[] = Object.freeze([]);

/** Events of a build that are held back until they are written, and their bytes, at most. */
const ROWS_MAX = 1_000;
const ROWS_BYTES_MAX = 8 * 1_024 * 1_024;

/** A tag with more events than this gets a list of them: to go through texts would take long. */
const LISTED_MIN = 16;

/** What an event adds to a list that it stands in. */
const POINTER_BYTES = 8;

/** So many bytes of related events may always be held. */
const BYTES_MIN = 2 * 1_024 * 1_024;

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
  #index = new TagIndex();
  #kept: KeptEvents;
  /** Tags with many events, and, when not all are held, those that were loaded. */
  readonly #lists = new Map<Tag, StoredEvent[]>();
  /** Memory of the lists, in bytes, about. */
  #listedBytes = 0;
  #isComplete: boolean;
  #unwritten: RelatedChange[] = [];
  #unwrittenBytes = 0;

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
    this.#kept = this.#nothingKept();
  }

  /** Whether all of them are in memory, so that nothing need be loaded. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Estimate of the memory that is held, in bytes. */
  get bytes(): number {
    return this.#kept.bytes + this.#index.bytes + this.#listedBytes +
      this.#unwrittenBytes;
  }

  /**
   * Keeps an event for later ones.
   *
   * @param event The event, frozen.
   * @param text The event as JSON text, if it is at hand. It may share memory with others.
   */
  keep(event: StoredEvent, text?: string): void {
    const { position } = event;
    const tags = event.tags.length > 1 ? [...new Set(event.tags)] : event.tags;
    let own: string | undefined;
    // Where not all are held, one whose list is not there is loaded when it is wanted.
    if (this.#isComplete) {
      const number = this.#kept.add(text ?? JSON.stringify(event));
      for (const tag of tags) this.#index.add(tag, number);
      own = this.#kept.textOf(number);
    }
    own ??= JSON.stringify(event);
    this.#unwritten.push({ tags, position, text: own });
    this.#unwrittenBytes += own.length;
    if (this.#lists.size === 0) return;
    for (const tag of tags) {
      const list = this.#lists.get(tag);
      if (!list) continue;
      list.push(event);
      this.#listedBytes += weighEvent(own.length);
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
    this.#unwrittenBytes = 0;
    return unwritten;
  }

  /** While building, writes what waits, if it is enough. */
  async write(rowsMin: number = ROWS_MAX): Promise<void> {
    if (this.#bytesMax === undefined) return;
    const isDue = this.#unwritten.length >= rowsMin ||
      this.#unwrittenBytes >= ROWS_BYTES_MAX;
    if (!isDue) return;
    const related = this.takeUnwritten();
    await this.#generation.stage({ documents: [], related });
  }

  /** Lets go of what is held when it is too much. */
  async trim(): Promise<void> {
    // With less they would be let go of and read back all the time.
    const bytesMax = Math.max(this.#bytesMax ?? Infinity, BYTES_MIN);
    if (this.bytes <= bytesMax) return;
    if (this.#isComplete) {
      this.#kept.dropObjects();
      this.#forgetLists();
      if (this.bytes <= bytesMax) return;
    }
    await this.write(1);
    this.forget();
  }

  /** Lets go of all that is held. It must be written. */
  forget(): void {
    this.#index = new TagIndex();
    this.#kept = this.#nothingKept();
    this.#forgetLists();
    this.#isComplete = false;
  }

  #forgetLists(): void {
    this.#lists.clear();
    this.#listedBytes = 0;
  }

  #findOne(tag: Tag, before: Position): readonly StoredEvent[] {
    const list = this.#lists.size > 0 ? this.#lists.get(tag) : undefined;
    // A copy, as the list grows.
    if (list) return earlierThan(before, list).slice();
    if (!this.#isComplete) return NO_EVENTS;
    const events: StoredEvent[] = [];
    const numbers = this.#index.find(tag);
    let unheldBytes = 0;
    for (const number of numbers) {
      const event = this.#kept.get(number);
      if (!event.tags.includes(tag)) continue;
      events.push(event);
      if (!this.#kept.holds(number)) unheldBytes += this.#kept.weigh(number);
    }
    // Of what is held anyway, or of a few among many that have the same hash.
    const isCheap = unheldBytes === 0 || events.length * 2 < numbers.length;
    if (numbers.length > LISTED_MIN && isCheap) {
      this.#lists.set(tag, events.slice());
      this.#listedBytes += weighEvent(0) + events.length * POINTER_BYTES +
        unheldBytes;
    }
    return earlierThan(before, events);
  }

  #nothingKept(): KeptEvents {
    // A quarter of the memory: what is held as an object is there as text anyway.
    return new KeptEvents((this.#bytesMax ?? Infinity) / 4);
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
  return last === undefined || last.position < before
    ? events
    : events.filter(({ position }) => position < before);
}
