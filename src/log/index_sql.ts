/**
 * How the index file is asked for the positions of a stream.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** Which part of a stream. */
export interface PositionRange {
  /** Exclusive lower bound. */
  readonly after: Position;
  /** Inclusive upper bound. */
  readonly upTo: Position;
  /** At most this many positions. */
  readonly limit: number;
  /** Descending. */
  readonly backwards: boolean;
}

/** A statement and its values. */
export interface Selection {
  readonly sql: string;
  readonly values: readonly number[];
}

const IS_TYPED =
  " AND EXISTS (SELECT 1 FROM typed t WHERE t.type = ? AND t.position = p.position)";

const IS_TAGGED =
  " AND (EXISTS (SELECT 1 FROM tags o WHERE o.tag = ? AND o.position = p.position)" +
  " OR EXISTS (SELECT 1 FROM recent_tags o WHERE o.tag = ? AND o.position = p.position))";

/**
 * Selects the positions of the events that have a type and all of the tags.
 *
 * @param typeId The type; `undefined` for any.
 * @param hashes The tags, the rarest first.
 * @param range Which of the positions.
 * @returns The statement.
 */
export function selectStream(
  typeId: number | undefined,
  hashes: readonly number[],
  { after, upTo, limit, backwards }: PositionRange,
): Selection {
  const order = backwards ? "DESC" : "ASC";
  const bounds = "p.position > ? AND p.position <= ?";
  const [rarest, ...others] = hashes;
  if (rarest === undefined) {
    return {
      sql: `SELECT p.position AS position FROM typed p WHERE p.type = ? ` +
        `AND ${bounds} ORDER BY p.position ${order} LIMIT ?`,
      values: [typeId ?? 0, after, upTo, limit],
    };
  }
  const conditions = others.map(() => IS_TAGGED).join("") +
    (typeId === undefined ? "" : IS_TYPED);
  const values = [
    rarest,
    after,
    upTo,
    ...others.flatMap((hash) => [hash, hash]),
    ...typeId === undefined ? [] : [typeId],
  ];
  const selectFrom = (table: string) =>
    `SELECT p.position AS position FROM ${table} p ` +
    `WHERE p.tag = ? AND ${bounds}${conditions}`;
  // Both parts come in order of position, so that merging them needs no sorting.
  return {
    sql: `${selectFrom("tags")} UNION ALL ${selectFrom("recent_tags")} ` +
      `ORDER BY position ${order} LIMIT ?`,
    values: [...values, ...values, limit],
  };
}
