/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * Operations: those under way with their bars, the history, and when the next ones are scheduled.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type {
  ProjectionRebuildProgress,
  ProjectionRebuildResult,
  RebuildOperation,
  RebuildPhase,
  RebuildThrottleStatus,
} from "../../mod.ts";
import type { Principal } from "../principal.ts";
import { type Action, ActionButton, Badge } from "./action.tsx";
import { CardTable, type Column } from "./card_table.tsx";
import { Comparison } from "./comparison_view.tsx";
import type { DashboardState } from "./state.ts";
import {
  about,
  count,
  countOf,
  duration,
  instant,
  list,
  OPERATION_TONES,
  REASONS,
  relative,
  shortId,
  TRIGGERS,
} from "./words.ts";

/** What runs, waits or is paused: all of it, or what a projection is in. */
export function UnderWaySection(
  { state, projection }: {
    readonly state: DashboardState;
    /** The projection. @default {all} */
    readonly projection?: string;
  },
): JSX.Element {
  const { status, principal, nowMs } = state;
  const underWay = state.underWay.filter(({ projectionNames }) =>
    projection === undefined || projectionNames.includes(projection)
  );
  const pace = paceOf(status.throttle);
  return (
    <section aria-labelledby="under-way-heading" data-key="under-way">
      <h2 id="under-way-heading" tabindex={-1}>Under way</h2>
      {underWay.length === 0
        ? <p class="empty">No rebuild is under way.</p>
        : underWay.map((operation) => (
          <OperationCard
            operation={operation}
            principal={principal}
            nowMs={nowMs}
          />
        ))}
      {pace === undefined ? null : <p class="pace">{pace}</p>}
    </section>
  );
}

function OperationCard(
  { operation, principal, nowMs }: {
    readonly operation: RebuildOperation;
    readonly principal: Principal;
    readonly nowMs: number;
  },
): JSX.Element {
  const { id, state, trigger, startedAt, note, progress } = operation;
  const { requestedBy, projectionNames } = operation;
  return (
    <article data-key={id} aria-labelledby={`operation-${id}`}>
      <header class="section-head">
        <h3 id={`operation-${id}`}>
          Rebuild of {list(projectionNames)}
          <Badge tone={OPERATION_TONES[state]} text={state} />
        </h3>
        <div class="buttons">
          {actionsOf(operation).map((action) => (
            <ActionButton
              action={{ ...action, subject: `operation ${shortId(id)}` }}
              principal={principal}
            />
          ))}
        </div>
      </header>
      <p class="facts">
        Operation <code title={id}>{shortId(id)}</code>, {TRIGGERS[trigger]}
        {requestedBy === null ? "" : ` by ${requestedBy}`}{" "}
        <time datetime={startedAt} title={instant(startedAt)}>
          {relative(startedAt, nowMs)}
        </time>
        {note === null ? null : <q>{note}</q>}
      </p>
      {progress.length === 0
        ? <p class="facts">{list(projectionNames)}</p>
        : (
          <ul class="bars">
            {progress.map((each) => (
              <Bar key={each.projectionName} progress={each} nowMs={nowMs} />
            ))}
          </ul>
        )}
    </article>
  );
}

function Bar(
  { progress, nowMs }: {
    readonly progress: ProjectionRebuildProgress;
    readonly nowMs: number;
  },
): JSX.Element {
  const { projectionName, percent, comparison } = progress;
  // Never a hundred before it is done.
  const shown = Math.min(Math.floor(percent * 10) / 10, 100);
  return (
    <li data-key={projectionName}>
      <span class="bar-name">{projectionName}</span>
      <span class="bar-percent">{shown.toFixed(1)} %</span>
      <progress
        max={100}
        value={shown}
        aria-label={`Rebuild of ${projectionName}`}
      />
      <small class="bar-facts">{factsOf(progress, nowMs).join(" · ")}</small>
      {comparison
        ? <Comparison comparison={comparison} name={projectionName} />
        : null}
    </li>
  );
}

const PHASES: Readonly<Partial<Record<RebuildPhase, string>>> = {
  queued: "waits for a free place",
  scanning: "reads the log",
  catchingUp: "catches up with new events",
  awaitingPromotion: "waits to be promoted",
  swapping: "is swapped in",
};

function factsOf(
  progress: ProjectionRebuildProgress,
  nowMs: number,
): string[] {
  const { phase, position, target, paused, stalled } = progress;
  const { eventsPerSecond, estimatedCompletionAt } = progress;
  const isAtWork = !paused && phase !== "awaitingPromotion";
  // What was read is folded then, which is a good part of the work.
  const isFolding = phase === "scanning" && target > 0 && position >= target;
  const facts = [
    paused
      ? "paused"
      : isFolding
      ? "makes the documents"
      : PHASES[phase] ?? phase,
  ];
  if (stalled) facts.push("stalled: nothing has moved for 10 s");
  facts.push(`${count(position)} of ${countOf(target, "event")} read`);
  if (eventsPerSecond !== null && isAtWork) {
    facts.push(`${countOf(Math.round(eventsPerSecond), "event")}/s`);
  }
  if (estimatedCompletionAt !== null && isAtWork) {
    const leftMs = Math.max(Date.parse(estimatedCompletionAt) - nowMs, 0);
    facts.push(`${about(leftMs)} left`);
  }
  return facts;
}

function actionsOf({ id, state, progress }: RebuildOperation): Action[] {
  const path = `/admin/operations/${id}`;
  const short = shortId(id);
  const actions: Action[] = [];
  if (progress.some(({ phase }) => phase === "awaitingPromotion")) {
    actions.push({
      label: "Promote",
      title: `Promote what operation ${short} built?`,
      text: "It is caught up with the log and serves from then on. What " +
        "serves now is kept: it can be rolled back to.",
      confirm: "Promote",
      done: "It is being promoted",
      url: `${path}/promote`,
    });
  }
  actions.push(
    state === "paused"
      ? {
        label: "Resume",
        title: `Resume operation ${short}?`,
        text: "It goes on where it stands.",
        confirm: "Resume",
        done: "It goes on",
        url: `${path}/resume`,
      }
      : {
        label: "Pause",
        title: `Pause operation ${short}?`,
        text: "It keeps what it has built, and stays paused until it is " +
          "resumed, also after a restart. What serves now goes on serving.",
        confirm: "Pause",
        done: "It is paused",
        url: `${path}/pause`,
      },
    {
      label: "Cancel",
      title: `Cancel operation ${short}?`,
      text: "What it has rebuilt already stays; of the rest, what serves now " +
        "goes on serving.",
      confirm: "Cancel the rebuild",
      done: "It is cancelled",
      url: `${path}/cancel`,
      isDrastic: true,
    },
  );
  return actions;
}

function paceOf(
  { share, reason, eventsPerSecondMax }: RebuildThrottleStatus,
): string | undefined {
  const parts: string[] = [];
  if (share < 1) {
    const cause = reason === "appends" ? "appends take long" : "requests wait";
    parts.push(
      `Rebuilds work ${Math.round(share * 100)} % of the time, as ${cause}`,
    );
  }
  if (eventsPerSecondMax !== null) {
    parts.push(`at most ${countOf(eventsPerSecondMax, "event")}/s are read`);
  }
  return parts.length === 0 ? undefined : `${capital(parts.join("; "))}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const HISTORY_COLUMNS: readonly Column[] = [
  { title: "Operation" },
  { title: "Outcome" },
  { title: "Projections" },
  { title: "Asked for" },
  { title: "Took", looks: "number" },
];

/** What has ended. */
export function HistorySection(
  { state: { history, nowMs } }: { readonly state: DashboardState },
): JSX.Element {
  return (
    <section aria-labelledby="history-heading" data-key="history">
      <h2 id="history-heading" tabindex={-1}>History</h2>
      {history.length === 0
        ? <p class="empty">Nothing was rebuilt yet.</p>
        : (
          <CardTable
            caption="The last operations that ended"
            columns={HISTORY_COLUMNS}
          >
            {history.map((operation) => (
              <HistoryRow operation={operation} nowMs={nowMs} />
            ))}
          </CardTable>
        )}
    </section>
  );
}

function HistoryRow(
  { operation, nowMs }: {
    readonly operation: RebuildOperation;
    readonly nowMs: number;
  },
): JSX.Element {
  const { id, state, trigger, requestedBy, startedAt, result } = operation;
  const { note, projectionNames, resumedBy } = operation;
  return (
    <tr role="row" data-key={id}>
      <th role="rowheader" scope="row">
        <code title={id}>{shortId(id)}</code>
      </th>
      <td role="cell" data-label="Outcome">
        <Badge tone={OPERATION_TONES[state]} text={state} />
        {resumedBy === undefined
          ? null
          : <small>continued by {shortId(resumedBy)}</small>}
      </td>
      <td role="cell" data-label="Projections" class="wide">
        {result === null
          ? list(projectionNames)
          : (
            <details data-key={`${id}-details`}>
              <summary>
                {projectionNames.length === 0
                  ? "nothing to do"
                  : list(projectionNames)}
              </summary>
              <Outcome result={result} />
            </details>
          )}
      </td>
      <td role="cell" data-label="Asked for">
        <time datetime={startedAt} title={instant(startedAt)}>
          {relative(startedAt, nowMs)}
        </time>
        <small>
          {TRIGGERS[trigger]}
          {requestedBy === null ? "" : ` by ${requestedBy}`}
        </small>
        {note === null ? null : <q>{note}</q>}
      </td>
      <td role="cell" data-label="Took" class="number">
        {result === null ? "" : duration(result.duration)}
      </td>
    </tr>
  );
}

function Outcome(
  { result: { details } }: { readonly result: ProjectionRebuildResult },
): JSX.Element {
  return (
    <ul class="outcome">
      {details.map((detail) => (
        <li data-key={detail.projectionName}>
          <strong>{detail.projectionName}</strong> {detail.state}:{" "}
          {countOf(detail.eventsProcessed, "event")},{" "}
          {countOf(detail.documents, "document")}, {duration(detail.duration)};
          {" "}
          {REASONS[detail.reason]}
          {detail.errorMessage === null
            ? null
            : <span class="error">{detail.errorMessage}</span>}
          {detail.comparison
            ? (
              <Comparison
                comparison={detail.comparison}
                name={detail.projectionName}
              />
            )
            : null}
        </li>
      ))}
    </ul>
  );
}

/** When what needs it is rebuilt by itself. */
export function ScheduleSection(
  { state: { windows, nowMs } }: { readonly state: DashboardState },
): JSX.Element {
  return (
    <section aria-labelledby="schedule-heading" data-key="schedule">
      <h2 id="schedule-heading" tabindex={-1}>Schedule</h2>
      {windows.length === 0
        ? <p class="empty">No rebuilds are scheduled.</p>
        : (
          <ul class="windows">
            {windows.map((window) => (
              <li>
                <Badge
                  tone={window.isOpen ? "busy" : "good"}
                  text={window.isOpen ? "open" : "closed"}
                />{" "}
                <code>{window.cron}</code> (UTC): {[
                  window.duration === null
                    ? "until all is done"
                    : `for ${duration(window.duration)}`,
                  ...(window.concurrency === null
                    ? []
                    : [`${count(window.concurrency)} at once`]),
                  ...(window.eventsPerSecondMax === null
                    ? []
                    : [`at most ${count(window.eventsPerSecondMax)} events/s`]),
                ].join(", ")}
                {whenOf(window, nowMs)}
              </li>
            ))}
          </ul>
        )}
    </section>
  );
}

function whenOf(
  { isOpen, opensAt, closesAt }: DashboardState["windows"][number],
  nowMs: number,
): JSX.Element | null {
  const at = isOpen ? closesAt : opensAt;
  if (at === null) return null;
  return (
    <small>
      {isOpen ? "closes" : "opens"} {relative(at, nowMs)}, {instant(at)}
    </small>
  );
}
