/**
 * Samples of documents that a comparison found to differ: they are data, which who may only look
 * at operations does not get to see anywhere else.
 *
 * @module
 */
import type { Principal } from "./principal.ts";

/**
 * What somebody may be told.
 *
 * @param principal Who asks.
 * @param value What there is to tell: plain JSON.
 * @returns The same to who may operate; to others without the samples of comparisons.
 */
export function visibleTo<T>({ scopes }: Principal, value: T): T {
  return scopes.includes("operate") ? value : withoutSamples(value) as T;
}

function withoutSamples(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSamples);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      name === "comparison" && field !== null
        ? { ...field, samples: [] }
        : withoutSamples(field),
    ]),
  );
}
