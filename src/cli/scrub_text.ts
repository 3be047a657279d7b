/**
 * What a scrub found, in words.
 *
 * @module
 */
import type { ScrubbedProjection, ScrubReport } from "../daemon/scrub.ts";
import { LOG_ADVICE, placesText, problemLine } from "./inspection_text.ts";
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
        placesText(problems.length)
      }: ${events} events could be read`,
    ...log.ok ? [] : [LOG_ADVICE],
    ...projections.filter(({ state }) => state === "damaged").map(({ name }) =>
      `To mend ${name}: opossum projections repair ${name}, or projections rebuild ${name}`
    ),
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
