/**
 * Which event of a log is the next to match a query: looked up by tag, as looking through the log
 * for each of many thousand conditions takes minutes.
 *
 * @module
 */
import {
  matchesQuery,
  type Position,
  type Query,
  type QueryItem,
  type StoredEvent,
} from "../../mod.ts";

/** A log whose events stand at their positions. */
export class Matches {
  readonly #log: readonly StoredEvent[];
  readonly #byTag = new Map<string, Position[]>();

  /** @param log All events, from position 1 on without a gap. */
  constructor(log: readonly StoredEvent[]) {
    this.#log = log;
    for (const { position, tags } of log) {
      for (const tag of tags) {
        const positions = this.#byTag.get(tag);
        if (positions) positions.push(position);
        else this.#byTag.set(tag, [position]);
      }
    }
  }

  /**
   * The first event behind a position that matches.
   *
   * @param query What to match.
   * @param after Exclusive bound.
   * @returns Its position, or `undefined` when none matches.
   */
  next(query: Query, after: Position): Position | undefined {
    if (query === "all") {
      return after < this.#log.length ? after + 1 : undefined;
    }
    const found = query.items.map((item) =>
      this.#nextOf(item, after) ?? Infinity
    );
    const first = Math.min(...found);
    return first === Infinity ? undefined : first;
  }

  #nextOf(item: QueryItem, after: Position): Position | undefined {
    const [tag] = item.tags ?? [];
    const query = { items: [item] };
    if (tag === undefined) {
      return this.#log.slice(after)
        .find((event) => matchesQuery(query, event))?.position;
    }
    const positions = this.#byTag.get(tag) ?? [];
    for (let i = firstBehind(positions, after); i < positions.length; i++) {
      const event = this.#log[(positions[i] ?? 0) - 1];
      if (event && matchesQuery(query, event)) return event.position;
    }
    return undefined;
  }
}

/** Index of the first of sorted positions that is greater. */
function firstBehind(positions: readonly Position[], after: Position): number {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
