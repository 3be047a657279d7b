/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * How a new build differs from what serves.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { RebuildComparison } from "../../mod.ts";
import { count, countOf } from "./words.ts";

/** A comparison: how many documents differ, and the first of them. */
export function Comparison(
  { comparison, name }: {
    readonly comparison: RebuildComparison;
    /** The projection. */
    readonly name: string;
  },
): JSX.Element {
  const { added, removed, changed, unchanged, samples } = comparison;
  const { checkpoint, generation } = comparison;
  const differing = added + removed + changed;
  const summary = differing === 0
    ? `The same as generation ${generation}: ${countOf(unchanged, "document")}`
    : `Against generation ${generation}: ${count(added)} added, ` +
      `${count(removed)} removed, ${count(changed)} changed, ` +
      `${count(unchanged)} unchanged`;
  return (
    <div class="comparison">
      <p class={differing === 0 ? "same" : "differs"}>
        {summary} <small>at position {count(checkpoint)}</small>
      </p>
      {samples.length === 0 ? null : (
        <details data-key={`${name}-samples`}>
          <summary>
            The first {countOf(samples.length, "difference")}
          </summary>
          <ul tabindex={0}>
            {samples.map(({ key, change, before, after }) => (
              <li data-key={key}>
                <strong>{key}</strong> {change}
                {before === null ? null : <code>− {before}</code>}
                {after === null ? null : <code>+ {after}</code>}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
