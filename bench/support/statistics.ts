/**
 * Medians and their kin: few runs on a shared machine have outliers, which averages would keep.
 *
 * @module
 */

/**
 * The value below which a share of the values lies (nearest rank: always one that was measured).
 *
 * @param values At least one.
 * @param share From 0 to 1.
 * @returns The value.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(Math.ceil(share * sorted.length), 1);
  const value = sorted[rank - 1];
  if (value === undefined) {
    throw new RangeError("Cannot take a quantile as there are no values");
  }
  return value;
}

/**
 * The value in the middle; of an even number of values the mean of the two.
 *
 * @param values At least one.
 * @returns The median.
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half];
  if (upper === undefined) {
    throw new RangeError("Cannot take a median as there are no values");
  }
  return sorted.length % 2 === 1
    ? upper
    : ((sorted[half - 1] ?? 0) + upper) / 2;
}

/**
 * Measures every case several times, in turn and back again, so that neither a machine that slows
 * down nor what a case leaves behind (dirty pages) meets always the same one.
 *
 * @param cases What to measure.
 * @param runs How many times each.
 * @param measure Measures one of them once.
 * @returns What was measured, by case, in order.
 */
export async function alternate<Case, Result>(
  cases: readonly Case[],
  runs: number,
  measure: (which: Case, run: number) => Promise<Result>,
): Promise<ReadonlyMap<Case, readonly Result[]>> {
  const results = new Map<Case, Result[]>(cases.map((which) => [which, []]));
  for (let run = 0; run < runs; run++) {
    for (const which of run % 2 === 0 ? cases : cases.toReversed()) {
      results.get(which)?.push(await measure(which, run));
    }
  }
  return results;
}
