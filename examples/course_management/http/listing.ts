/**
 * Lists of documents, page by page, in order of their keys or sorted by one of their fields.
 *
 * Key order is the order of the read model: a page costs what it holds, however long the list.
 * Any other order reads the whole list for each page and keeps one page of it in memory, so it is
 * refused for read models of more than 100,000 documents. An application that needs such an order
 * on more should keep a projection for it.
 *
 * @module
 */
import type { Position, Projections } from "@opossum/deno";
import { ProblemError } from "@opossum/deno/api";
import type { Context } from "hono";
import { decodeCursor, encodeCursor, type ListOrder } from "./cursor.ts";
import { chooseSortedPage } from "./sorted_page.ts";

/** Longest list that is sorted by anything but its keys, in documents. */
export const SORTED_DOCUMENTS_MAX = 100_000;

/** Which page of which list. */
export interface ListRequest extends ListOrder {
  /** `"id"` for key order, else the name of a field. */
  readonly sort: string;
  /** Items a page, from 1 to 1,000. */
  readonly limit: number;
  /** The `next` of the page before. @default {the first page} */
  readonly after?: string | undefined;
}

/** A page of a list. */
export interface ListPage<Item> {
  /** The items in order. */
  readonly items: Item[];
  /** What to pass as `after` for the next page, or `null` on the last one. */
  readonly next: string | null;
  /** Position up to which the items are complete, at least. */
  readonly checkpoint: Position;
}

/**
 * Reads one page.
 *
 * @param projections Where to read.
 * @param name The projection to list.
 * @param fields What it can be sorted by, besides its keys.
 * @param request Which page.
 * @returns The page.
 * @throws {ProblemError} If the cursor is not one of this list, or the list is too long to sort.
 */
export async function listPage<Item>(
  projections: Projections,
  name: string,
  fields: Readonly<Record<string, (item: Item) => string | number>>,
  request: ListRequest,
): Promise<ListPage<Item>> {
  const { sort, limit } = request;
  const after = request.after === undefined
    ? undefined
    : decodeCursor(request, request.after);
  const descending = request.order === "desc";
  const valueOf = Object.hasOwn(fields, sort) ? fields[sort] : undefined;
  if (valueOf === undefined) {
    const { documents, next, checkpoint } = await projections.list<Item>(name, {
      limit,
      backwards: descending,
      ...(after ? { after: after.key } : {}),
    });
    return {
      items: documents.map(({ state }) => state),
      next: next === null
        ? null
        : encodeCursor(request, { value: "", key: next }),
      checkpoint,
    };
  }
  const { documents: count, checkpoint } = await projections.info(name);
  if (count > SORTED_DOCUMENTS_MAX) throw tooLongToSort(count);
  const { items, hasMore } = await chooseSortedPage(
    projections.documents<Item>(name),
    { valueOf, descending },
    { limit, after },
  );
  const last = items.at(-1);
  return {
    items: items.map(({ item }) => item),
    next: hasMore && last ? encodeCursor(request, last) : null,
    checkpoint,
  };
}

/**
 * Tells generic clients where the next page is: a `Link` header (RFC 8288).
 *
 * @param context The request that asked for the page.
 * @param page The page.
 */
export function linkToNext(
  context: Context,
  { next }: Pick<ListPage<unknown>, "next">,
): void {
  if (next === null) return;
  const { pathname, searchParams } = new URL(context.req.url);
  searchParams.set("after", next);
  context.header("Link", `<${pathname}?${searchParams}>; rel="next"`);
}

function tooLongToSort(count: number): ProblemError {
  return new ProblemError({
    kind: "list-too-long-to-sort",
    status: 422,
    title: "List too long to sort",
    detail: `Lists of more than ${SORTED_DOCUMENTS_MAX} entries are only ` +
      `given by id: this one has ${count}`,
  });
}
