/**
 * What a scrub found, in words.
 *
 * @module
 */
import type { ScrubbedProjection, ScrubReport } from "../daemon/scrub.ts";
import { problemLine } from "./inspection_text.ts";
import { formatBytes } from "./table.ts";

/** A line for each place where the log is damaged and for each projection, and one for all. */
export function scrubLines({ ok, log, projections }: ScrubReport): string[] {
  const { problems, events, head, bytes } = log;
  return [
    ...problems.map(problemLine),
    ...projections.flatMap(projectionLines),
    log.ok
      ? `The log is sound up to position ${head}: ${events} events, ${
        formatBytes(bytes)
      }`
      : `The log is damaged in ${
        Math.max(problems.length, 1)
      } places: ${events} events could be read`,
    ok
      ? "Nothing is damaged"
      : "Something is damaged, or could not be looked at",
  ];
}

function projectionLines(
  { name, state, documents, problem, previousProblem }: ScrubbedProjection,
): string[] {
  return [
    `${name}: ${
      state === "ok"
        ? `sound, ${documents} documents`
        : problem === null
        ? state
        : `${state}: ${problem}`
    }`,
    ...previousProblem === null
      ? []
      : [`${name}: its previous generation is damaged: ${previousProblem}`],
  ];
}
