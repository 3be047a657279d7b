/**
 * The newest part of the index, in memory: what was appended and not yet written to the index
 * file.
 *
 * @module
 */
import type { Position, Tag } from "../events/event.ts";
import type { Criterion, Stream } from "./query_streams.ts";

/** What the index needs to know of an event. */
export interface IndexEntry {
  readonly type: string;
  readonly tags: readonly Tag[];
}

/** Where a frame stands in the log. */
export interface FrameLocation {
  /** Position of its first event. */
  readonly first: Position;
  /** First position of its segment. */
  readonly segment: Position;
  /** Where in the segment it begins, in bytes. */
  readonly offset: number;
  /** Its CRC. */
  readonly crc: number;
}

/** Events in a block at most: what one transaction writes without anyone noticing a pause. */
const BLOCK_EVENTS = 2_000;

/** Events that may wait to be added to a block. */
const ADDED_EVENTS_MAX = 256;

/** Consecutive events: written to the index file together. */
export interface IndexBlock {
  /** Position of the first event. */
  readonly first: Position;
  /** Position of the last event. */
  readonly last: Position;
  /** The positions of each type, ascending. */
  readonly types: ReadonlyMap<string, readonly Position[]>;
  /** The positions of each tag, ascending. */
  readonly tags: ReadonlyMap<Tag, readonly Position[]>;
  /** The frames that begin in the block. */
  readonly frames: readonly FrameLocation[];
  /** The frame that holds the last event. */
  readonly lastFrame: FrameLocation;
}

class MutableBlock implements IndexBlock {
  readonly types = new Map<string, Position[]>();
  readonly tags = new Map<Tag, Position[]>();
  readonly entries: IndexEntry[] = [];
  readonly frames: FrameLocation[] = [];
  lastFrame: FrameLocation;

  constructor(readonly first: Position, readonly firstFrame: FrameLocation) {
    this.lastFrame = firstFrame;
  }

  get last(): Position {
    return this.first + this.entries.length - 1;
  }

  add(entry: IndexEntry): void {
    const position = this.last + 1;
    this.entries.push(entry);
    post(this.types, entry.type, position);
    for (const tag of entry.tags) post(this.tags, tag, position);
  }

  firstOf({ types, tags }: Criterion, after: Position): Position | undefined {
    let rarest: readonly Position[] | undefined;
    for (const tag of tags) {
      const positions = this.tags.get(tag);
      if (positions === undefined) return undefined;
      if (!rarest || positions.length < rarest.length) rarest = positions;
    }
    if (rarest === undefined) {
      let first = Infinity;
      // There may be more types than a call takes arguments.
      for (const type of types) {
        const positions = this.types.get(type) ?? [];
        const found = positions[indexBehind(positions, after)] ?? Infinity;
        if (found < first) first = found;
      }
      return first === Infinity ? undefined : first;
    }
    for (let i = indexBehind(rarest, after); i < rarest.length; i++) {
      const position = rarest[i] ?? 0;
      const entry = this.entries[position - this.first];
      const isMet = entry !== undefined &&
        (types.length === 0 || types.includes(entry.type)) &&
        tags.every((tag) => entry.tags.includes(tag));
      if (isMet) return position;
    }
    return undefined;
  }
}

function post(
  postings: Map<string, Position[]>,
  key: string,
  position: Position,
): void {
  const positions = postings.get(key);
  if (positions) positions.push(position);
  else postings.set(key, [position]);
}

interface AddedFrame {
  readonly location: FrameLocation;
  readonly entries: readonly IndexEntry[];
  readonly first: Position;
}

/** Consecutive events up to the end of the log, in blocks. */
export class IndexTail {
  #blocks: MutableBlock[] = [];
  /** Frames that nobody asked for yet. */
  #added: AddedFrame[] = [];
  #addedEvents = 0;

  /** Position of the first event in the tail; `undefined` when it is empty. */
  get first(): Position | undefined {
    return this.#blocks[0]?.first ?? this.#added[0]?.first;
  }

  /**
   * Adds a frame's events.
   *
   * @param location Where the frame stands.
   * @param entries Its events, or the last ones of them.
   * @param first Position of the first of these.
   */
  add(
    location: FrameLocation,
    entries: readonly IndexEntry[],
    first: Position = location.first,
  ): void {
    // Together they take far less time than one by one, between an append and the next.
    this.#added.push({ location, entries, first });
    this.#addedEvents += entries.length;
    if (this.#addedEvents >= ADDED_EVENTS_MAX) this.#settle();
  }

  /** The blocks with all that was added. */
  #settle(): MutableBlock[] {
    if (this.#addedEvents === 0) return this.#blocks;
    for (const frame of this.#added) this.#addToBlocks(frame);
    this.#added = [];
    this.#addedEvents = 0;
    return this.#blocks;
  }

  #addToBlocks({ location, entries, first }: AddedFrame): void {
    let position = first;
    for (const entry of entries) {
      let block = this.#blocks.at(-1);
      if (!block || block.entries.length >= BLOCK_EVENTS) {
        block = new MutableBlock(position, location);
        this.#blocks.push(block);
      }
      if (position === location.first) block.frames.push(location);
      block.lastFrame = location;
      block.add(entry);
      position++;
    }
  }

  /** Forgets everything behind a position: its write failed. */
  cut(last: Position): void {
    const kept: MutableBlock[] = [];
    for (const block of this.#settle()) {
      if (block.first > last) continue;
      if (block.last <= last) {
        kept.push(block);
        continue;
      }
      // Rare, so that building the block again costs less than undoing would complicate it.
      const again = new MutableBlock(block.first, block.firstFrame);
      for (const frame of block.frames) {
        if (frame.first > last) break;
        again.frames.push(frame);
        again.lastFrame = frame;
      }
      const count = last - block.first + 1;
      for (const entry of block.entries.slice(0, count)) again.add(entry);
      kept.push(again);
    }
    this.#blocks = kept;
  }

  /** The oldest block, if a newer one has begun or `any` is wanted. */
  oldest(any: "full" | "any"): IndexBlock | undefined {
    if (any === "any") this.#settle();
    return any === "any" || this.#blocks.length > 1
      ? this.#blocks[0]
      : undefined;
  }

  /** How many blocks there are, about. */
  get blockCount(): number {
    return this.#blocks.length;
  }

  /** Forgets the oldest block: it was written. */
  dropOldest(): void {
    this.#blocks.shift();
  }

  /**
   * The positions of a stream, ascending.
   *
   * @param stream What an event must have.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound.
   */
  positions(stream: Stream, after: Position, upTo: Position): Position[] {
    const found: Position[] = [];
    for (const block of this.#settle()) {
      if (block.last <= after || block.first > upTo) continue;
      const lists = stream.tags.map((tag) => block.tags.get(tag) ?? []);
      if (stream.type !== undefined) {
        lists.push(block.types.get(stream.type) ?? []);
      }
      lists.sort((a, b) => a.length - b.length);
      const [shortest = [], ...others] = lists;
      for (const position of shortest) {
        if (position <= after || position > upTo) continue;
        if (others.every((list) => includesSorted(list, position))) {
          found.push(position);
        }
      }
    }
    return found;
  }

  /**
   * The first position that meets a criterion.
   *
   * @param criterion What an event must have.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound.
   */
  firstOf(
    criterion: Criterion,
    after: Position,
    upTo: Position,
  ): Position | undefined {
    for (const block of this.#settle()) {
      if (block.last <= after) continue;
      if (block.first > upTo) break;
      const found = block.firstOf(criterion, after);
      if (found !== undefined) return found <= upTo ? found : undefined;
    }
    return undefined;
  }

  /** The last frame that begins at or before a position, if the tail knows it. */
  locate(position: Position): FrameLocation | undefined {
    for (const { frames } of this.#settle().toReversed()) {
      const found = frames.findLast(({ first }) => first <= position);
      if (found) return found;
    }
    return undefined;
  }
}

function includesSorted(list: readonly Position[], wanted: Position): boolean {
  return list[indexBehind(list, wanted - 1)] === wanted;
}

/** Where in an ascending list the first position behind `after` stands. */
function indexBehind(list: readonly Position[], after: Position): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? Infinity) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
