/**
 * One page of a sorted list, chosen while the whole list goes by.
 *
 * @module
 */

/** What a list is sorted by, and in which direction. */
export interface SortOrder<Item> {
  /** The value to sort by. */
  readonly valueOf: (item: Item) => string | number;
  /** From the greatest to the least. */
  readonly descending: boolean;
}

/** Where an item stands in a sorted list. Keys decide between equal values. */
export interface SortKey {
  readonly value: string | number;
  readonly key: string;
}

/** An item, and where it stands. */
export interface SortedItem<Item> extends SortKey {
  readonly item: Item;
}

/** Words as people sort them: "Émile" beside "Emil", not after "Zoë". */
const COLLATOR = new Intl.Collator("en");

/**
 * Chooses the items of one page.
 *
 * Takes memory for one page, however long the list, and reads all of it: that is the price of
 * sorting by what is no key. See `SORTED_DOCUMENTS_MAX` for the bound.
 *
 * @param documents The whole list, in any order.
 * @param order What to sort by.
 * @param page How many items, and after which one.
 * @returns The items in order, and whether more follow.
 */
export async function chooseSortedPage<Item>(
  documents: AsyncIterable<{ readonly key: string; readonly state: Item }>,
  order: SortOrder<Item>,
  page: { readonly limit: number; readonly after?: SortKey | undefined },
): Promise<{ readonly items: SortedItem<Item>[]; readonly hasMore: boolean }> {
  const { limit, after } = page;
  const compare = (a: SortKey, b: SortKey) =>
    order.descending ? compareKeys(b, a) : compareKeys(a, b);
  const chosen: SortedItem<Item>[] = [];
  for await (const { key, state } of documents) {
    const candidate = { value: order.valueOf(state), key, item: state };
    if (after !== undefined && compare(candidate, after) <= 0) continue;
    // One more than the page shows: whether there is a next page.
    const last = chosen[limit];
    if (last !== undefined && compare(candidate, last) >= 0) continue;
    chosen.splice(findPlace(chosen, candidate, compare), 0, candidate);
    if (chosen.length > limit + 1) chosen.pop();
  }
  const hasMore = chosen.length > limit;
  return { items: chosen.slice(0, limit), hasMore };
}

function compareKeys(a: SortKey, b: SortKey): number {
  const byValue = typeof a.value === "number" && typeof b.value === "number"
    ? a.value - b.value
    : COLLATOR.compare(String(a.value), String(b.value));
  if (byValue !== 0) return byValue;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Index of the first item that comes after `candidate`. */
function findPlace(
  sorted: readonly SortKey[],
  candidate: SortKey,
  compare: (a: SortKey, b: SortKey) => number,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = sorted[middle];
    if (at !== undefined && compare(at, candidate) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
