/**
 * What the requests to rebuild say about generations: in the body or in the query, but not both.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { RebuildOptions, RebuildPromotion } from "../mod.ts";

const VERIFY =
  "Compare the new documents with those that serve, at the same position, before the swap";
const PROMOTE =
  "manual: wait for `POST /admin/operations/{operationId}/promote` before the swap";

/** Fields of the body. */
export const generationFields = {
  verify: z.boolean().optional().openapi({
    description: VERIFY,
    example: true,
  }),
  promote: z.enum(["automatic", "manual"]).optional().openapi({
    description: PROMOTE,
    example: "automatic" as const,
  }),
};

/** Fields of the query. */
export const generationQuery = {
  verify: z.enum(["true", "false"]).optional().openapi({
    description: VERIFY,
    default: "false",
  }),
  promote: z.enum(["automatic", "manual"]).optional().openapi({
    description: PROMOTE,
    default: "automatic",
  }),
};

/** What the body says. */
export interface GenerationBody {
  /** Whether to compare before the swap. */
  readonly verify?: boolean | undefined;
  /** Whether the swap waits for an operator. */
  readonly promote?: RebuildPromotion | undefined;
}

/** What the query says. */
export interface GenerationQuery {
  readonly verify?: "true" | "false" | undefined;
  readonly promote?: RebuildPromotion | undefined;
}

/**
 * Puts the two together, which say different fields.
 *
 * @param query What the query says.
 * @param body What the body says.
 * @returns The options.
 */
export function generationOptions(
  query: GenerationQuery,
  body: GenerationBody,
): Pick<RebuildOptions, "verify" | "promote"> {
  const verify = body.verify ??
    (query.verify === undefined ? undefined : query.verify === "true");
  const promote = body.promote ?? query.promote;
  return {
    ...verify === undefined ? {} : { verify },
    ...promote === undefined ? {} : { promote },
  };
}
