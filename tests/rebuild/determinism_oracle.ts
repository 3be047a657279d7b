/**
 * What the projections of `determinism_projections.ts` hold, computed as plainly as possible.
 * Shares no code with them, nor with the engine.
 *
 * @module
 */
import type { HostileEvent } from "./determinism_projections.ts";

/** Documents and tags of one projection, by key. */
export interface Expected {
  readonly states: Map<string, unknown>;
  readonly keysByTag: Map<string, string[]>;
}

/** By name of the projection. */
export type ExpectedByName = ReadonlyMap<string, Expected>;

/** Folds a whole log. */
export function hostileOracle(
  events: readonly HostileEvent[],
): ExpectedByName {
  const values = new Map<string, Map<string, unknown>>();
  const links = new Map<string, { to: string; known: number[] }[]>();
  const told: { position: number; keys: string[] }[] = [];
  const echoes = new Map<string, { data: object; times: number }>();
  let types: string[] = [];
  for (const [index, { type, data }] of events.entries()) {
    if (type === "Ignored") continue;
    types = types.length === 6 ? [] : [...types, type];
    if (type === "Put") {
      for (const key of new Set(data.keys)) {
        const fields = values.get(key) ?? new Map<string, unknown>();
        values.set(key, fields.set(data.field, data.value));
        const held = echoes.get(key);
        if (held && held.times < 3) held.times++;
        else echoes.set(key, { data, times: 0 });
      }
    } else if (type === "Dropped") {
      values.delete(data.key);
      links.delete(data.key);
    } else if (data.from !== data.to) {
      const known = told.filter(({ keys }) =>
        keys.includes(data.from) || keys.includes(data.to)
      ).map(({ position }) => position);
      const list = links.get(data.from) ?? [];
      links.set(data.from, [...list, { to: data.to, known }]);
    }
    if (type === "Put") told.push({ position: index + 1, keys: data.keys });
    if (type === "Dropped") {
      told.push({ position: index + 1, keys: [data.key] });
    }
  }
  return new Map([
    [
      "Echo",
      expected(echoes, ({ data, times }) =>
        // A field of its own only once it was counted.
        times === 0 ? data : { ...data, times }),
    ],
    [
      "Links",
      expected(
        links,
        (list) => list,
        (list, key) => [`from:${key}`, `count:${list.length}`],
      ),
    ],
    [
      "Tally",
      expected(
        new Map(types.length === 0 ? [] : [["all", types]]),
        (list) => ({ count: list.length, types: list }),
      ),
    ],
    [
      "Values",
      expected(
        values,
        (fields) => Object.fromEntries(fields),
        (fields) => [...fields.keys()].map((field) => `field:${field}`),
      ),
    ],
  ]);
}

function expected<T>(
  documents: ReadonlyMap<string, T>,
  toState: (document: T) => unknown,
  toTags: (document: T, key: string) => string[] = () => [],
): Expected {
  const states = new Map<string, unknown>();
  const keysByTag = new Map<string, string[]>();
  for (const [key, document] of documents) {
    states.set(key, toState(document));
    for (const tag of toTags(document, key)) {
      keysByTag.set(tag, [...keysByTag.get(tag) ?? [], key]);
    }
  }
  return { states, keysByTag };
}
