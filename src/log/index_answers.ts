/**
 * Answers of index file and tail as one.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { PositionRange } from "./index_sql.ts";
import type { IndexTail } from "./index_tail.ts";
import type { PositionIndex } from "./position_index.ts";
import type { Criterion, Stream } from "./query_streams.ts";

/** Some positions of matching events, and where to go on. */
export interface PositionPage {
  /** In the order asked for. */
  readonly positions: readonly Position[];
  /** What is left of the range, or `undefined` when this is all. */
  readonly rest: Pick<PositionRange, "after" | "upTo"> | undefined;
}

/** The page that a query for every event has. */
export function everyPosition(
  { after, upTo, limit, backwards }: PositionRange,
): PositionPage {
  const count = Math.max(0, Math.min(limit, upTo - after));
  const positions = Array.from(
    { length: count },
    (_, i) => backwards ? upTo - i : after + 1 + i,
  );
  const rest = backwards
    ? { after, upTo: upTo - count }
    : { after: after + count, upTo };
  return { positions, rest: rest.after < rest.upTo ? rest : undefined };
}

/**
 * The positions of any of the streams.
 *
 * @param file The index file, if there is one.
 * @param tail What is not in the file yet, and perhaps some of what is.
 * @param streams The streams.
 * @param range Which positions.
 */
export function positionPage(
  file: PositionIndex | undefined,
  tail: IndexTail,
  streams: readonly Stream[],
  range: PositionRange,
): PositionPage {
  const { after, upTo, limit, backwards } = range;
  const found = new Set<Position>();
  // A full answer says nothing about what lies behind its last position.
  let known = backwards ? after + 1 : upTo;
  for (const stream of streams) {
    const inFile = file?.positions(stream, range) ?? [];
    const last = inFile.at(-1);
    if (last !== undefined && inFile.length >= limit) {
      known = backwards ? Math.max(known, last) : Math.min(known, last);
    }
    for (const position of inFile) found.add(position);
    for (const position of tail.positions(stream, after, upTo)) {
      found.add(position);
    }
  }
  const positions = [...found]
    .filter((position) => backwards ? position >= known : position <= known)
    .sort((a, b) => backwards ? b - a : a - b);
  const isAll = backwards ? known <= after + 1 : known >= upTo;
  const rest = backwards ? { after, upTo: known - 1 } : { after: known, upTo };
  return { positions, rest: isAll ? undefined : rest };
}

/**
 * The first position that meets any of the criteria, by the hashes of their tags.
 *
 * @param file The index file, if there is one.
 * @param tail What is not in the file yet, and perhaps some of what is.
 * @param criteria What an event must have.
 * @param range Which positions.
 */
export function firstPosition(
  file: PositionIndex | undefined,
  tail: IndexTail,
  criteria: readonly Criterion[],
  { after, upTo }: Pick<PositionRange, "after" | "upTo">,
): Position | undefined {
  // The tail goes up to the end: conditions on what is new need not ask the file.
  const inFileUpTo = Math.min((tail.first ?? Infinity) - 1, upTo);
  let first: Position | undefined;
  for (const criterion of criteria) {
    const inFile = after < inFileUpTo
      ? file?.first(criterion, after, inFileUpTo)
      : undefined;
    const found = inFile ?? tail.firstOf(criterion, after, upTo);
    if (found !== undefined && found < (first ?? Infinity)) first = found;
  }
  return first;
}
