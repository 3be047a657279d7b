/**
 * PromQL that is written more than once.
 *
 * @module
 */

/** Labels that tell one server from another. */
export const SERVER: readonly string[] = ["job", "instance"];

/** Label that names a projection. */
export const PROJECTION = "opossum_projection_name";

/**
 * What a counter has gained within a window, with what its first value brought: `increase()` sees
 * no gain in a series that begins, as those of failures do with the first one.
 *
 * @param selector The counter, with its labels.
 * @param by Labels to keep.
 * @param window Such as `$__range`.
 */
export function gained(
  selector: string,
  by: readonly string[],
  window: string,
): string {
  const now = sum(selector, by);
  const before = sum(`${selector} offset ${window}`, by);
  return `${now} - (${before} or 0 * ${now})`;
}

/**
 * The mean of what a histogram was told within a window.
 *
 * @param name Name of the histogram.
 * @param labels Its labels, in braces.
 * @param by Labels to keep.
 * @param window Such as `$__rate_interval`.
 */
export function meanGained(
  name: string,
  labels: string,
  by: readonly string[],
  window: string,
): string {
  const total = gained(`${name}_sum${labels}`, by, window);
  const count = gained(`${name}_count${labels}`, by, window);
  return `(${total}) / ((${count}) > 0)`;
}

/**
 * A quantile of what a histogram was told lately.
 *
 * @param quantile From 0 to 1.
 * @param name Name of the histogram.
 * @param labels Its labels, in braces.
 * @param by Labels to keep. @default {none}
 */
export function quantileOf(
  quantile: number,
  name: string,
  labels: string,
  by: readonly string[] = [],
): string {
  return `histogram_quantile(${quantile}, ${
    sum(`rate(${name}_bucket${labels}[$__rate_interval])`, ["le", ...by])
  })`;
}

/**
 * The mean of what a histogram was told lately.
 *
 * @param name Name of the histogram.
 * @param labels Its labels, in braces.
 */
export function meanOf(name: string, labels: string): string {
  const total = sum(`rate(${name}_sum${labels}[$__rate_interval])`, []);
  const count = sum(`rate(${name}_count${labels}[$__rate_interval])`, []);
  return `${total} / ${count}`;
}

/**
 * A counter's growth a second.
 *
 * @param selector The counter, with its labels.
 * @param by Labels to keep. @default {none}
 */
export function rateOf(selector: string, by: readonly string[] = []): string {
  return sum(`rate(${selector}[$__rate_interval])`, by);
}

/**
 * A sum.
 *
 * @param vector Of what.
 * @param by Labels to keep.
 */
export function sum(vector: string, by: readonly string[]): string {
  return by.length === 0
    ? `sum(${vector})`
    : `sum by (${by.join(", ")}) (${vector})`;
}

/**
 * The greatest.
 *
 * @param vector Of what.
 * @param by Labels to keep.
 */
export function max(vector: string, by: readonly string[]): string {
  return `max by (${by.join(", ")}) (${vector})`;
}

/**
 * The least.
 *
 * @param vector Of what.
 * @param by Labels to keep.
 */
export function min(vector: string, by: readonly string[]): string {
  return `min by (${by.join(", ")}) (${vector})`;
}
