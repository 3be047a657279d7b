/**
 * Compares what the ways of folding came to, and makes the report of it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { StoredEvent } from "../../events/event.ts";
import type { Documents } from "./plain_fold.ts";
import { OTHER_AFTER_RESTART } from "./problem_words.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type {
  DeterminismDifference,
  DeterminismOutcome,
  DeterminismProblem,
  DeterminismReport,
  ProjectionDeterminism,
} from "./report.ts";
import {
  PLAIN_FOLD,
  type WayResult,
  type WayResults,
  WITH_RESTART,
} from "./ways.ts";

/**
 * Makes the report.
 *
 * @param events The events.
 * @param rehearsals What the plain fold came to, by name of the projection, sorted.
 * @param results What the other ways came to.
 * @returns The report.
 */
export function toReport(
  events: readonly StoredEvent[],
  rehearsals: ReadonlyMap<string, Rehearsal>,
  results: ReadonlyMap<string, WayResults>,
): DeterminismReport {
  const projections = [...rehearsals].map(([name, rehearsal]) => {
    const found = new Map([[PLAIN_FOLD, rehearsal.result]]);
    for (const [way, byName] of results) {
      found.set(way, byName.get(name) ?? { error: "It was not folded" });
    }
    return toProjection(name, events, rehearsal, found);
  });
  return {
    isDeterministic: projections.every(({ isDeterministic }) =>
      isDeterministic
    ),
    events: events.length,
    ways: [PLAIN_FOLD, ...results.keys()],
    projections,
  };
}

function toProjection(
  name: string,
  events: readonly StoredEvent[],
  { result: plain, problems: found }: Rehearsal,
  results: ReadonlyMap<string, WayResult>,
): ProjectionDeterminism {
  const outcomes = [...results].map(([way, result]) => toOutcome(way, result));
  const differing = outcomes.filter(({ digest }) =>
    digest !== outcomes[0]?.digest
  );
  const differingWays = differing.map(({ way }) => way);
  let difference: DeterminismDifference | null = null;
  for (const way of differingWays) {
    difference ??= firstDifference(way, plain, results.get(way));
  }
  const isOfRestart = found.length === 0 && differingWays.length === 1 &&
    differingWays[0] === WITH_RESTART;
  const problems = isOfRestart
    ? [restartProblem(events, difference?.key ?? null)]
    : found;
  return {
    name,
    isDeterministic: problems.length === 0 && differing.length === 0,
    documents: "documents" in plain ? plain.documents.size : 0,
    outcomes,
    differingWays,
    difference,
    problems,
  };
}

function toOutcome(way: string, result: WayResult): DeterminismOutcome {
  return "error" in result
    ? { way, digest: null, error: result.error }
    : { way, digest: digestOf(result.documents), error: null };
}

/** Each key as a JSON text, so that no key can be taken for the end of another. */
function digestOf(documents: Documents): string {
  const hash = createHash("sha256");
  for (const key of [...documents.keys()].sort()) {
    hash.update(`${JSON.stringify(key)} ${documents.get(key)}\n`);
  }
  return hash.digest("hex");
}

function firstDifference(
  way: string,
  plain: WayResult,
  result: WayResult | undefined,
): DeterminismDifference | null {
  if ("error" in plain || !result || "error" in result) return null;
  const keys = new Set([
    ...plain.documents.keys(),
    ...result.documents.keys(),
  ]);
  for (const key of [...keys].sort()) {
    const expected = plain.documents.get(key) ?? null;
    const actual = result.documents.get(key) ?? null;
    if (expected !== actual) return { way, key, expected, actual };
  }
  return null;
}

/** Nothing else showed it: the cause must lie with the restart. */
function restartProblem(
  events: readonly StoredEvent[],
  key: string | null,
): DeterminismProblem {
  const next = events[Math.floor(events.length / 2)];
  return {
    kind: "sharedState",
    message: OTHER_AFTER_RESTART,
    method: "apply",
    position: next?.position ?? 0,
    eventType: next?.type ?? "",
    key,
  };
}
