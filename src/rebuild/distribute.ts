/**
 * Which projections are scanned together in which worker.
 *
 * @module
 */
import type { ProjectionDefinition } from "../projections/definition.ts";

/** A projection that looks at related events takes about this many times the work of another. */
const RELATED_WEIGHT = 2;

/** What it is worth to put a projection where its events are parsed anyway. */
const SAME_EVENTS_BONUS = 0.5;

interface Share<T> {
  readonly items: T[];
  weight: number;
  readonly typeSets: Set<string>;
}

/**
 * Spreads projections evenly, those that apply the same types of events preferably together.
 *
 * @param items The projections.
 * @param definitionOf The definition of each.
 * @param count How many workers.
 * @returns A list of projections for each worker; none is empty.
 */
export function distribute<T>(
  items: readonly T[],
  definitionOf: (item: T) => ProjectionDefinition,
  count: number,
): T[][] {
  const shares: Share<T>[] = Array.from(
    { length: Math.min(count, items.length) },
    () => ({ items: [], weight: 0, typeSets: new Set<string>() }),
  );
  const weighted = items.map((item) => {
    const { related, eventTypes } = definitionOf(item);
    return {
      item,
      weight: related ? RELATED_WEIGHT : 1,
      typeSet: eventTypes.toSorted().join("\n"),
    };
  });
  // The heaviest first: the light ones even out what is left.
  for (
    const { item, weight, typeSet } of weighted.toSorted((a, b) =>
      b.weight - a.weight
    )
  ) {
    const cost = (share: Share<T>) =>
      share.weight - (share.typeSets.has(typeSet) ? SAME_EVENTS_BONUS : 0);
    const [lightest] = shares.toSorted((a, b) => cost(a) - cost(b));
    if (!lightest) break;
    lightest.items.push(item);
    lightest.weight += weight;
    lightest.typeSets.add(typeSet);
  }
  return shares.map(({ items }) => items);
}
