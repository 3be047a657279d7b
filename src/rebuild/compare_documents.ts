/**
 * Comparing two streams of documents in order of key, a document of each in memory at a time.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { isKeyBefore } from "../projections/key_order.ts";
import type { StoredDocument } from "../projections/projection_store.ts";
import type { ComparisonSample, RebuildComparison } from "./operation.ts";

const SAMPLES_MAX = 20;
const SAMPLE_UNITS_MAX = 1_000;

/** What comes of comparing documents alone. */
export type DocumentComparison = Omit<
  RebuildComparison,
  "checkpoint" | "generation"
>;

/**
 * Compares documents. Both streams let other work run by themselves.
 *
 * @param before The documents that serve, in order of key. Left open.
 * @param after Those of the new build likewise. Left open.
 * @param signal Stops by throwing its reason.
 * @returns How many differ, and the first of them; frozen.
 */
export async function compareDocuments(
  before: AsyncIterator<StoredDocument>,
  after: AsyncIterator<StoredDocument>,
  signal: AbortSignal,
): Promise<DocumentComparison> {
  const counts = { added: 0, removed: 0, changed: 0, unchanged: 0 };
  const samples: ComparisonSample[] = [];
  let a = await before.next();
  let b = await after.next();
  while (!a.done || !b.done) {
    signal.throwIfAborted();
    const old = a.done ? undefined : a.value;
    const young = b.done ? undefined : b.value;
    const isOld = old !== undefined &&
      (young === undefined || !isKeyBefore(young.key, old.key));
    const isYoung = young !== undefined &&
      (old === undefined || !isKeyBefore(old.key, young.key));
    const change = !isOld
      ? "added"
      : !isYoung
      ? "removed"
      : isSame(old.text, young.text)
      ? "unchanged"
      : "changed";
    counts[change]++;
    if (change !== "unchanged" && samples.length < SAMPLES_MAX) {
      samples.push(Object.freeze({
        key: (isOld ? old.key : young?.key) ?? "",
        change,
        before: isOld ? cut(old.text) : null,
        after: isYoung ? cut(young.text) : null,
      }));
    }
    if (isOld) a = await before.next();
    if (isYoung) b = await after.next();
  }
  return Object.freeze({ ...counts, samples: Object.freeze(samples) });
}

/** Another order of its fields makes no other document. */
function isSame(a: string, b: string): boolean {
  return a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
}

/** Documents may be large, and samples are kept in the history. */
function cut(text: string): string {
  if (text.length <= SAMPLE_UNITS_MAX) return text;
  const isHalf = /[\uD800-\uDBFF]/.test(text.charAt(SAMPLE_UNITS_MAX - 1));
  return text.slice(0, SAMPLE_UNITS_MAX - (isHalf ? 1 : 0));
}
