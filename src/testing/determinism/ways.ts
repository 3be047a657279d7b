/**
 * The ways of folding that must not make a difference.
 *
 * @module
 */
import type { StoredEvent } from "../../events/event.ts";
import type { OpossumOptions } from "../../options.ts";
import type { ProjectionDefinition } from "../../projections/definition.ts";
import type { Documents } from "./plain_fold.ts";

/** The documents that a way came to, or why it did not. */
export type WayResult = { readonly documents: Documents } | {
  readonly error: string;
};

/** A way of folding: its name, and the options that it is folded with. */
export interface Way {
  readonly name: string;
  readonly options: Partial<OpossumOptions>;
  /** The projections, when they are not to be those that the check was given. */
  readonly projections?: readonly ProjectionDefinition[];
}

/** What is folded, and where. */
export interface Trial {
  readonly projections: string | readonly ProjectionDefinition[];
  readonly definitions: readonly ProjectionDefinition[];
  /** Their names. */
  readonly names: readonly string[];
  /** The events from position 1. */
  readonly events: readonly StoredEvent[];
  /** A folder of its own. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
}

/** Results by name of the projection. */
export type WayResults = ReadonlyMap<string, WayResult>;

/** The values to try. */
export interface WayValues {
  readonly batchSizes: readonly number[];
  readonly maxConcurrentRebuilds: readonly number[];
  readonly rebuildMemoryBytesMax: readonly number[];
}

/** The way that all others are compared with. */
export const PLAIN_FOLD = "plain fold";
/** The way across a restart. */
export const WITH_RESTART = "stored half-way, then another thread";

/** Memory is shared out by places: with as many as can be, each projection gets the least. */
const PLACES_MAX = 64;

/**
 * The ways of folding live.
 *
 * @param values The values to try.
 * @returns One way for each size of a batch.
 */
export function liveWays({ batchSizes }: WayValues): Way[] {
  return batchSizes.map((batchSize) => ({
    name: `live, batches of ${batchSize}`,
    options: { batchSize },
  }));
}

/**
 * The ways of rebuilding. Each value is tried, not each combination of them.
 *
 * @param values The values to try.
 * @param definitions To try those besides the module that they come from, or `undefined`.
 * @returns The ways; the last repeats the first.
 */
export function rebuildWays(
  { batchSizes, maxConcurrentRebuilds, rebuildMemoryBytesMax }: WayValues,
  definitions: readonly ProjectionDefinition[] | undefined,
): Way[] {
  const usual = {
    batchSize: Math.max(...batchSizes),
    maxConcurrentRebuilds: Math.max(...maxConcurrentRebuilds),
    rebuildMemoryBytesMax: Math.max(...rebuildMemoryBytesMax),
  };
  const byConcurrency = maxConcurrentRebuilds.map((places) => ({
    name: `rebuilt, ${places} at a time`,
    options: { ...usual, maxConcurrentRebuilds: places },
  }));
  const byBatchSize = batchSizes
    .filter((batchSize) => batchSize !== usual.batchSize)
    .map((batchSize) => ({
      name: `rebuilt, batches of ${batchSize}`,
      options: { ...usual, batchSize },
    }));
  const byMemory = rebuildMemoryBytesMax
    .filter((bytes) => bytes !== usual.rebuildMemoryBytesMax)
    .map((bytes) => ({
      name: `rebuilt, ${bytes} bytes of memory`,
      options: {
        batchSize: Math.min(...batchSizes),
        maxConcurrentRebuilds: PLACES_MAX,
        rebuildMemoryBytesMax: bytes,
      },
    }));
  const asObjects = definitions
    ? [{
      name: "rebuilt, definitions as objects",
      options: usual,
      projections: definitions,
    }]
    : [];
  const again = { name: "rebuilt again", options: usual };
  return [...byConcurrency, ...byBatchSize, ...byMemory, ...asObjects, again];
}
