/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * Damage: what the last look for it found, the next look, and mending it.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type {
  ProjectionInfo,
  ScrubProgress,
  ScrubReport,
  VerifyProblem,
} from "../../mod.ts";
import type { Principal } from "../principal.ts";
import { type Action, ActionButton, Badge } from "./action.tsx";
import type { DashboardState } from "./state.ts";
import { count, countOf, instant, relative } from "./words.ts";

const SCRUB: Action = {
  label: "Check for damage",
  title: "Check everything for damage?",
  text: "The whole log and every row of every projection are read, no faster " +
    "than a rebuild would. A projection that is damaged is marked, and " +
    "rebuilt where that is done automatically.",
  confirm: "Check",
  done: "The check goes on: what it finds will stand under Damage",
  url: "/admin/scrub",
};

/** What the last scrub found, and a button for the next one. */
export function DamageSection(
  {
    state: { lastScrub, scrubbingSince, scrubProgress, nowMs, principal },
  }: { readonly state: DashboardState },
): JSX.Element {
  const action: Action = {
    ...SCRUB,
    unavailable: scrubbingSince === undefined
      ? undefined
      : "A check is under way already",
  };
  return (
    <section aria-labelledby="damage-heading" data-key="damage">
      <header class="section-head">
        <h2 id="damage-heading" tabindex={-1}>Damage</h2>
        <div class="buttons">
          <ActionButton action={action} principal={principal} />
        </div>
      </header>
      {scrubbingSince === undefined ? null : (
        <p data-key="scrubbing">
          A check is under way since {instant(scrubbingSince)}
          {scrubProgress === undefined
            ? ""
            : `: ${progressText(scrubProgress)}`}.
        </p>
      )}
      {lastScrub === undefined
        ? <p class="empty">Nothing was checked for damage yet.</p>
        : <Found report={lastScrub} nowMs={nowMs} />}
    </section>
  );
}

/** How far a scrub is. */
function progressText(
  {
    percent,
    projectionName,
    eventsChecked,
    events,
    documentsChecked,
    documents,
    projectionsChecked,
    projections,
  }: ScrubProgress,
): string {
  return projectionName === null
    ? `${percent} %, ${count(eventsChecked)} of ${
      count(events)
    } events of the log`
    : `${percent} %, ${count(documentsChecked)} of ${
      countOf(documents, "document")
    } of ${projectionName}, ${projectionsChecked} of ${
      countOf(projections, "projection")
    } done`;
}

function Found(
  { report, nowMs }: { readonly report: ScrubReport; readonly nowMs: number },
): JSX.Element {
  const { ok, completedAt } = report;
  return (
    <>
      <p>
        <Badge
          tone={ok ? "good" : "bad"}
          text={ok ? "nothing found" : "damage found"}
        />{" "}
        Last checked {relative(completedAt, nowMs)}, {instant(completedAt)}.
      </p>
      {ok ? null : (
        <ul class="findings">
          {findingsOf(report).map((finding) => <li key={finding}>{finding}
          </li>)}
        </ul>
      )}
    </>
  );
}

function findingsOf({ log, projections }: ScrubReport): string[] {
  const places = Math.max(log.problems.length, 1);
  return [
    ...log.ok ? [] : [
      `The log is damaged in ${countOf(places, "place")}: restore it from a ` +
      "backup, or save what can be read with “opossum salvage”",
      ...log.problems.slice(0, PLACES_SHOWN).map(placeOf),
    ],
    ...projections.flatMap(({ name, state, problem, previousProblem }) => [
      ...state === "ok" || state === "absent"
        ? []
        : [`${name} is ${state}${problem === null ? "" : `: ${problem}`}`],
      ...previousProblem === null
        ? []
        : [`The previous generation of ${name} is damaged: ${previousProblem}`],
    ]),
  ];
}

/** More would not help anybody to see what is wrong. */
const PLACES_SHOWN = 10;

function placeOf({ file, offset, first, last, what }: VerifyProblem): string {
  return `${file}, byte ${count(offset)}, events ${count(first)} to ${
    count(last)
  }: ${what}`;
}

/** Mends single documents. */
export function RepairButton(
  { info: { name, state, generation, build, repair }, principal }: {
    readonly info: ProjectionInfo;
    readonly principal: Principal;
  },
): JSX.Element {
  const action: Action = {
    label: "Repair",
    subject: name,
    title: `Repair ${name}?`,
    text: "Every document and every event is looked at. Documents that are " +
      "missing, damaged or foreign are made anew from the log, all at once, " +
      "and the projection goes on serving. If it is marked as damaged and " +
      "nothing else is wrong with it, it serves again.",
    confirm: "Repair",
    done: "The repair goes on: what came of it will stand on this page",
    url: `/admin/projections/${encodeURIComponent(name)}/repair`,
    unavailable: build !== null
      ? "A rebuild is under way"
      : repair !== null
      ? `A repair is under way: ${repair.percent} %`
      : generation === null
      ? "It was never built"
      : state === "stale"
      ? "It must be rebuilt as a whole"
      : undefined,
  };
  return <ActionButton action={action} principal={principal} />;
}
