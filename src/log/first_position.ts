/**
 * The first position that an append condition would find in the index file. Asked before every
 * conditional append, so that it counts nothing that it need not know.
 *
 * @module
 */
import type { StatementSync } from "node:sqlite";
import type { Position, Tag } from "../events/event.ts";
import { EVENT_LIMITS } from "../events/validation.ts";
import type { IndexSums } from "./index_sums.ts";
import type { Criterion } from "./query_streams.ts";
import { hashTag } from "./term_hash.ts";

/** Below this, a type may be rarer than a tag: how often it occurs is looked up each time. */
const RARE_TYPE_COUNT = 16_384;

/** Of several tags, the first that is not more frequent than this is gone through; or the next. */
const RARE_TAG_COUNTS = [64, 1_024, RARE_TYPE_COUNT];

/** More types than this are asked for one by one: a statement takes only so many values. */
const TYPES_MAX = 64;

interface Range {
  readonly after: Position;
  readonly upTo: Position;
}

interface KnownType {
  readonly id: number;
  /** As last seen: it only grows. */
  readonly count: number;
}

/** Finds first positions. Any call may throw what SQLite throws. */
export class FirstPosition {
  readonly #prepare: (sql: string) => StatementSync;
  readonly #types = new Map<string, KnownType>();

  readonly #sums: IndexSums;

  /**
   * @param prepare Gives the statement for a text, the same one each time.
   * @param sums Checks what is relied upon.
   */
  constructor(prepare: (sql: string) => StatementSync, sums: IndexSums) {
    this.#prepare = prepare;
    this.#sums = sums;
  }

  /**
   * The first position that meets a criterion by the hashes of its tags.
   *
   * @param criterion What an event must have.
   * @param after Exclusive lower bound.
   * @param upTo Inclusive upper bound.
   */
  find(
    { types, tags }: Criterion,
    after: Position,
    upTo: Position,
  ): Position | undefined {
    // No event has so many.
    if (tags.length > EVENT_LIMITS.tagsPerEventMax) return undefined;
    for (const tag of tags) this.#sums.checkTag(hashTag(tag));
    const range = { after, upTo };
    const known: KnownType[] = [];
    for (const type of types) {
      const found = this.#knownType(type);
      if (found) known.push(found);
    }
    if (types.length > 0 && known.length === 0) return undefined;
    const ids = known.map(({ id }) => id);
    const rarest = known.length > TYPES_MAX
      ? undefined
      : this.#rarestOf(tags, known, range);
    if (rarest === undefined) return this.#firstTyped(ids, tags, range);
    const others = tags.filter((tag) => tag !== rarest);
    return this.#firstTagged(rarest, others, ids, range);
  }

  #knownType(type: string): KnownType | undefined {
    let known = this.#types.get(type);
    if (known && known.count >= RARE_TYPE_COUNT) return known;
    const row = this.#sums.typeRow(type);
    if (row === undefined) return undefined;
    known = { id: row.id, count: row.count };
    this.#types.set(type, known);
    return known;
  }

  /** The tag whose positions to go through; `undefined` for those of the types. */
  #rarestOf(
    tags: readonly Tag[],
    types: readonly KnownType[],
    range: Range,
  ): Tag | undefined {
    if (tags.length === 0) return undefined;
    const typeCount = types.length === 0
      ? Infinity
      : types.reduce((sum, { count }) => sum + count, 0);
    const mayBeTypes = typeCount < RARE_TYPE_COUNT;
    if (tags.length === 1 && !mayBeTypes) return tags[0];
    for (const countMax of RARE_TAG_COUNTS) {
      if (typeCount <= countMax) return this.#rareTag(tags, typeCount, range);
      const rare = this.#rareTag(tags, countMax, range);
      if (rare !== undefined) return rare;
    }
    return tags[0];
  }

  #rareTag(
    tags: readonly Tag[],
    countMax: number,
    { after, upTo }: Range,
  ): Tag | undefined {
    return tags.find((tag) => {
      const row = this.#prepare(HAS_MORE)
        .get(hashTag(tag), after, upTo, countMax);
      return row?.more === null;
    });
  }

  #firstTagged(
    tag: Tag,
    others: readonly Tag[],
    types: readonly number[],
    { after, upTo }: Range,
  ): Position | undefined {
    const typed = types.length === 0
      ? ""
      : ` AND EXISTS (SELECT 1 FROM typed t WHERE t.type IN (${
        types.map((_, i) => `?${4 + i}`).join()
      }) AND t.position = p.position)`;
    const conditions = typed + taggedConditions(others, 4 + types.length);
    const select = (table: string) =>
      `SELECT p.position FROM ${table} p WHERE p.tag = ?1 ` +
      `AND p.position > ?2 AND p.position <= ?3${conditions} ` +
      "ORDER BY p.position LIMIT 1";
    // As values: SQLite joins two sorted tables at three times the cost.
    const row = this.#prepare(
      `SELECT (${select("tags")}) AS old, (${select("recent_tags")}) AS recent`,
    ).get(hashTag(tag), after, upTo, ...types, ...others.map(hashTag));
    return smaller(row?.old, row?.recent);
  }

  #firstTyped(
    types: readonly number[],
    tags: readonly Tag[],
    { after, upTo }: Range,
  ): Position | undefined {
    const statement = this.#prepare(
      "SELECT p.position FROM typed p WHERE p.type = ?1 AND p.position > ?2 " +
        `AND p.position <= ?3${taggedConditions(tags, 4)} ` +
        "ORDER BY p.position LIMIT 1",
    );
    const hashes = tags.map(hashTag);
    let first: Position | undefined;
    for (const type of types) {
      const row = statement.get(type, after, first ?? upTo, ...hashes);
      first = smaller(first, row?.position);
    }
    return first;
  }
}

/** Whether a tag occurs more often than that: `more` is NULL if not. In either table, about. */
const HAS_MORE = `SELECT coalesce(${
  ["tags", "recent_tags"].map((table) =>
    `(SELECT 1 FROM ${table} WHERE tag = ?1 AND position > ?2 ` +
    "AND position <= ?3 LIMIT 1 OFFSET ?4)"
  ).join(", ")
}) AS more`;

function taggedConditions(tags: readonly Tag[], parameter: number): string {
  return tags.map((_, i) => {
    const has = (table: string) =>
      `EXISTS (SELECT 1 FROM ${table} o WHERE o.tag = ?${parameter + i} ` +
      "AND o.position = p.position)";
    return ` AND (${has("tags")} OR ${has("recent_tags")})`;
  }).join("");
}

function smaller(a: unknown, b: unknown): Position | undefined {
  const first = Math.min(
    typeof a === "number" ? a : Infinity,
    typeof b === "number" ? b : Infinity,
  );
  return first === Infinity ? undefined : first;
}
