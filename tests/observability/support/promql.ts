/**
 * PromQL, taken apart by the grammar that Prometheus' own editor uses.
 *
 * @module
 */
import { parser } from "@prometheus-io/lezer-promql";

/** What an expression names. */
export interface ExpressionNames {
  /** Names of series. */
  readonly series: readonly string[];
  /** Labels that it selects, groups or joins by. */
  readonly labels: readonly string[];
  /** Pieces that are no PromQL. */
  readonly errors: readonly string[];
}

/** Takes an expression apart. Variables must have been put in. */
export function namesIn(expr: string): ExpressionNames {
  const series = new Set<string>();
  const labels = new Set<string>();
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter({ name, type, from, to }) {
      const text = expr.slice(from, to);
      if (type.isError) errors.push(`${text || "nothing"} at ${from}`);
      if (name === "Identifier") series.add(text);
      if (name === "LabelName") labels.add(text);
    },
  });
  return { series: [...series], labels: [...labels], errors };
}
