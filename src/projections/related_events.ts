/**
 * The related events of a fold: kept by each of their tags as they go by, held in memory as far
 * as they may, and found again in the generation otherwise.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";
import { weigh } from "./fold_cache.ts";
import { freezeEvents } from "./freeze_events.ts";
import type { Generation, RelatedChange } from "./projection_store.ts";

const NO_EVENTS: readonly never[] = Object.freeze([]);

/** Events of a build that are held back until they are written, at most. */
const ROWS_MAX = 1_000;

/** Lists up to this length are replaced, not changed, so that they can be handed out. */
const REPLACED_LENGTH_MAX = 8;

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
  /** By tag; several in order of position. Most tags have one, which then needs no list. */
  readonly #held = new Map<Tag, StoredEvent | readonly StoredEvent[]>();
  #bytes = 0;
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

  /** Keeps an event for later ones. */
  keep(event: StoredEvent, textBytes: number): void {
    const { position } = event;
    const tags = [...new Set(event.tags)];
    this.#unwritten.push({ tags, position, text: JSON.stringify(event) });
    for (const tag of tags) {
      const held = this.#held.get(tag);
      // One that is not held is loaded when it is wanted.
      if (held === undefined && !this.#isComplete) continue;
      if (held === undefined) this.#held.set(tag, event);
      else if (isGrowing(held)) held.push(event);
      else this.#held.set(tag, [...listOf(held), event]);
      this.#bytes += weigh(tag, textBytes);
    }
  }

  /** Earlier events that bear any of the tags, in order of position. */
  find(tags: readonly Tag[], before: Position): readonly StoredEvent[] {
    const [tag] = tags;
    if (tag === undefined) return NO_EVENTS;
    if (tags.length === 1) return earlierThan(before, this.#held.get(tag));
    // An event that bears several of the tags stands in several lists.
    const byPosition = new Map<Position, StoredEvent>();
    for (const tag of tags) {
      for (const event of earlierThan(before, this.#held.get(tag))) {
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
    // A build writes before it reads; live, events to keep join those that are held.
    const isBuild = this.#bytesMax !== undefined;
    const tags = [...isBuild ? wanted : wanted.union(kept)]
      .filter((tag) => !this.#held.has(tag));
    if (this.#isComplete || tags.length === 0) return;
    if (isBuild) await this.write(1);
    const found = await this.#generation.related(tags);
    for (const tag of tags) {
      const texts = found.get(tag) ?? [];
      const events: StoredEvent[] = texts.map((text) => JSON.parse(text));
      freezeEvents(events);
      this.#held.set(tag, events);
      this.#bytes += weigh(
        tag,
        texts.reduce((sum, { length }) => sum + length, 0),
      );
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
    if (this.#bytes <= (this.#bytesMax ?? Infinity)) return;
    await this.write(1);
    this.#held.clear();
    this.#bytes = 0;
    this.#isComplete = false;
  }
}

function isGrowing(
  held: StoredEvent | readonly StoredEvent[],
): held is StoredEvent[] {
  return Array.isArray(held) && held.length > REPLACED_LENGTH_MAX;
}

function listOf(
  held: StoredEvent | readonly StoredEvent[],
): readonly StoredEvent[] {
  return "position" in held ? [held] : held;
}

/**
 * The events before a position. While folding part by part, and when read back from a build that
 * was interrupted, later ones are there, too.
 */
function earlierThan(
  before: Position,
  held: StoredEvent | readonly StoredEvent[] | undefined,
): readonly StoredEvent[] {
  if (held === undefined) return NO_EVENTS;
  if ("position" in held) return held.position < before ? [held] : NO_EVENTS;
  const last = held[held.length - 1];
  if (last === undefined) return NO_EVENTS;
  if (last.position >= before) {
    return held.filter(({ position }) => position < before);
  }
  return isGrowing(held) ? held.slice() : held;
}
