/**
 * Who asked for an operation, as its history tells. The one place that knows where that stands in
 * a request.
 *
 * @module
 */
import type { Context } from "hono";

/**
 * The id of whoever sent a request.
 *
 * @param _context The request's context.
 * @returns Its id, never a token; `null` when it is not known.
 */
export function requesterOf(_context: Context): string | null {
  return null;
}
