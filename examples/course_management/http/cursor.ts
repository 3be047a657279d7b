/**
 * Cursors: where the next page of a list begins. Opaque to clients, and bound to the order of the
 * list that they were given for.
 *
 * @module
 */
import { ProblemError } from "@opossum/deno/api";
import type { SortKey } from "./sorted_page.ts";

/** The order of a list, as in its query parameters. */
export interface ListOrder {
  readonly sort: string;
  readonly order: "asc" | "desc";
}

/**
 * Makes a cursor.
 *
 * @param list The order of the list.
 * @param last Where the last item of the page stands.
 * @returns What to pass as `after` for the next page.
 */
export function encodeCursor(
  { sort, order }: ListOrder,
  last: SortKey,
): string {
  const json = JSON.stringify([sort, order, last.value, last.key]);
  return new TextEncoder().encode(json).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/**
 * Reads a cursor.
 *
 * @param list The order of the list that is asked for.
 * @param cursor What the client passed as `after`.
 * @returns Where the page before ended.
 * @throws {ProblemError} If it is no cursor, or one of a list in another order.
 */
export function decodeCursor(list: ListOrder, cursor: string): SortKey {
  const [sort, order, value, key, ...others] = parse(cursor);
  if (
    sort !== list.sort || order !== list.order || others.length > 0 ||
    (typeof value !== "string" && typeof value !== "number") ||
    typeof key !== "string"
  ) {
    throw malformed();
  }
  return { value, key };
}

function parse(cursor: string): unknown[] {
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    );
    if (Array.isArray(value)) return value;
  } catch (cause) {
    throw malformed({ cause });
  }
  throw malformed();
}

function malformed(options?: ErrorOptions): ProblemError {
  return new ProblemError({
    kind: "invalid-cursor",
    status: 400,
    title: "Invalid cursor",
    detail: "'after' must be the 'next' of a page in the same order",
  }, options);
}
