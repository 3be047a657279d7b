/**
 * Helpers for tests of rollback, verification and promotion.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import type {
  Opossum,
  ProjectionDefinition,
  RebuildOperation,
} from "../../mod.ts";
import { type Counted, countingProjection } from "../support/course_fixture.ts";

/** Version 1 of a projection: sums. */
export const SUMS = countingProjection("One");

/** Version 2 of it: sums that are off by a thousand where they are large, and no key `c`. */
export const OFF: ProjectionDefinition<{ sum: number }, Counted> =
  countingProjection("One", {
    version: 2,
    apply: (state, { data: { key, by } }) => {
      const sum = (state?.sum ?? 0) + by;
      return key === "c" ? null : { sum: sum > 20 ? sum + 1_000 : sum };
    },
  });

/** Waits until every build of an operation waits to be promoted, or it has ended. */
export async function whenAwaiting(
  { rebuilder }: Pick<Opossum, "rebuilder">,
  id: string,
): Promise<RebuildOperation> {
  for (;;) {
    const operation = await rebuilder.getOperation(id);
    if (!operation) throw new Error("Unknown operation");
    const isThere = operation.result !== null ||
      operation.progress.every(({ phase }) => phase === "awaitingPromotion");
    if (isThere) return operation;
    await setImmediate();
  }
}

/** The documents that serve. */
export async function documentsOf(
  { projections }: Pick<Opossum, "projections">,
  name = "One",
): Promise<Record<string, unknown>> {
  const documents = await Array.fromAsync(projections.documents(name));
  return Object.fromEntries(documents.map(({ key, state }) => [key, state]));
}
