/**
 * What an operator wants to know first: is all well, and if not, what is worst?
 *
 * @module
 */
import type {
  AppendHealth,
  ProjectionInfo,
  RebuildOperation,
  ScrubReport,
} from "../../mod.ts";
import { count, countOf, list, shortId, type Tone } from "./words.ts";

/** The verdict. */
export interface Verdict {
  /** How urgent it is. */
  readonly tone: Tone;
  /** It, in one sentence without a full stop. */
  readonly headline: string;
  /** What else there is to say, each a sentence; the gravest first. */
  readonly more: readonly string[];
}

/** What it is made from. */
export interface VerdictInput {
  readonly projections: readonly ProjectionInfo[];
  /** Operations that run, wait or are paused. */
  readonly underWay: readonly RebuildOperation[];
  readonly appendState: AppendHealth["state"];
  /** What the last scrub found, if there was one. */
  readonly lastScrub: ScrubReport | undefined;
}

interface Finding {
  readonly tone: Tone;
  readonly text: string;
}

/**
 * Judges how things stand.
 *
 * @param input How things stand.
 * @returns The verdict: the gravest that was found, then the rest.
 */
export function judge(input: VerdictInput): Verdict {
  const [worst, ...rest] = findingsOf(input);
  if (worst === undefined) return allIsWell(input.projections);
  return {
    tone: worst.tone,
    headline: worst.text,
    more: rest.map(({ text }) => text),
  };
}

function findingsOf(
  { projections, underWay, appendState, lastScrub }: VerdictInput,
): Finding[] {
  const findings: Finding[] = [];
  const add = (tone: Tone, text: string) => void findings.push({ tone, text });
  if (appendState === "refused") {
    add("bad", "Appends are refused until their cause is repaired");
  }
  if (appendState === "failing") {
    add("bad", "The last append could not be written");
  }
  if (lastScrub && !lastScrub.log.ok) {
    const places = Math.max(lastScrub.log.problems.length, 1);
    add(
      "bad",
      `The last check found the log damaged in ${countOf(places, "place")}`,
    );
  }
  const damaged = namesIn(projections, "damaged");
  if (damaged.length > 0) {
    add("bad", `${list(damaged)} ${are(damaged)} damaged: reads fail`);
  }
  const faults = projections.flatMap(({ name, fault }) =>
    fault ? [`${name} is faulted at position ${count(fault.position)}`] : []
  );
  if (faults.length > 0) add("bad", list(faults));
  const due = projections.filter(({ state, build, rolledBackAt }) =>
    build === null && rolledBackAt === null &&
    (state === "absent" || state === "stale")
  ).map(({ name }) => name);
  if (due.length > 0) {
    const need = due.length === 1 ? "needs" : "need";
    add(
      "warn",
      due.length === 1
        ? `${due[0]} ${need} a rebuild`
        : `${due.length} projections ${need} a rebuild: ${list(due)}`,
    );
  }
  const failed = projections.filter(({ build, lastBuild }) =>
    build === null && lastBuild?.state === "failed"
  ).map(({ name }) => name);
  if (failed.length > 0) {
    add("warn", `The last rebuild of ${list(failed)} failed`);
  }
  const stalled = projections.filter(({ build }) => build?.stalled)
    .map(({ name }) => name);
  if (stalled.length > 0) {
    add("warn", `The rebuild of ${list(stalled)} has stalled`);
  }
  const paused = underWay.filter(({ state }) => state === "paused");
  if (paused.length > 0) {
    const [first] = paused;
    add(
      "warn",
      paused.length === 1 && first
        ? `Operation ${shortId(first.id)} is paused`
        : `${paused.length} operations are paused`,
    );
  }
  const waiting = projections.filter(({ build }) =>
    build?.phase === "awaitingPromotion"
  ).map(({ name }) => name);
  if (waiting.length > 0) {
    add("warn", `The new build of ${list(waiting)} waits to be promoted`);
  }
  for (const { name, rolledBackAt, generation } of projections) {
    if (rolledBackAt === null) continue;
    add("warn", `${name} is rolled back to generation ${generation}`);
  }
  const building = projections.filter(({ build, name }) =>
    build !== null && !build.paused && !waiting.includes(name)
  ).map(({ name }) => name);
  if (building.length > 0) add("busy", `Rebuilding ${list(building)}`);
  return findings;
}

function allIsWell(projections: readonly ProjectionInfo[]): Verdict {
  if (projections.length === 0) {
    return {
      tone: "good",
      headline: "There are no projections yet",
      more: ["Register some when the store is opened."],
    };
  }
  const lag = Math.max(...projections.map((projection) => projection.lag));
  const all = projections.length === 1
    ? `${projections[0]?.name} is`
    : `All ${count(projections.length)} projections are`;
  return {
    tone: "good",
    headline: lag === 0
      ? `${all} up to date`
      : `${all} served, ${countOf(lag, "event")} behind at most`,
    more: [],
  };
}

function namesIn(
  projections: readonly ProjectionInfo[],
  wanted: ProjectionInfo["state"],
): string[] {
  return projections.filter(({ state, build }) =>
    state === wanted && build === null
  ).map(({ name }) => name);
}

function are(names: readonly string[]): string {
  return names.length === 1 ? "is" : "are";
}
