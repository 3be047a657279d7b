/**
 * The `Idempotency-Key` header: whoever repeats a request, since no answer came, gets the
 * operation of the first one.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { ProblemError } from "./problem.ts";

/** How the header is described. */
export const IdempotencyKeyHeader = z.string().optional().openapi({
  description:
    `Repeat a request with the same key to get the operation of the first one, also
after a restart, as long as the history remembers it. 1 to 255 visible ASCII characters, in quotes
or not`,
  example: "7d0d5c1e-6f0b-4a55-9d7b-2f6d0f3b9a10",
});

/**
 * Reads the header. A string in quotes is what the IETF's draft asks for; most clients send none.
 *
 * @param header Its value, or `undefined` when there is none.
 * @returns What to start the operation with.
 * @throws {ProblemError} If it is malformed.
 */
export function idempotencyKeyOf(
  header: string | undefined,
): { readonly idempotencyKey?: string } {
  if (header === undefined) return {};
  const [, quoted] = /^"(.*)"$/.exec(header) ?? [];
  const idempotencyKey = quoted ?? header;
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(idempotencyKey)) {
    return { idempotencyKey };
  }
  throw new ProblemError({
    kind: "invalid-idempotency-key",
    status: 400,
    title: "Invalid idempotency key",
    detail:
      "The Idempotency-Key must have 1 to 255 visible ASCII characters, " +
      "without quotes and backslashes inside",
  });
}
