/**
 * What the routes that list page by page have in common.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

/**
 * How long a page is: 1 to 1,000.
 *
 * @param what What is listed, in the plural.
 * @returns The field of the query; left out, the list's own length counts.
 */
export function pageLimit(
  what: string,
): z.ZodType<string | undefined, string | undefined> {
  return z.string().regex(/^([1-9]\d{0,2}|1000)$/, {
    error: "must be an integer from 1 to 1000",
  }).optional().openapi({
    type: "integer",
    minimum: 1,
    maximum: 1_000,
    default: 50,
    description: `At most this many ${what}`,
  });
}
