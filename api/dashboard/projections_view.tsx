/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * The projections: how each stands, and what can be done about it.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ProjectionFault, ProjectionInfo } from "../../mod.ts";
import type { Principal } from "../principal.ts";
import { type Action, ActionButton, Badge } from "./action.tsx";
import { CardTable, type Column } from "./card_table.tsx";
import type { DashboardState } from "./state.ts";
import {
  bytes,
  count,
  countOf,
  duration,
  instant,
  relative,
  STATE_TONES,
  STATES,
} from "./words.ts";

/** What the actions of a projection are asked of. */
const pathOf = (name: string) =>
  `/admin/projections/${encodeURIComponent(name)}`;

/**
 * The address of a projection's page.
 *
 * @param name The projection.
 * @returns The address.
 */
export function pageOf(name: string): string {
  return `/admin?view=projection&name=${encodeURIComponent(name)}`;
}

const COLUMNS: readonly Column[] = [
  { title: "Selected", looks: "tick", isUnseen: true },
  { title: "Projection" },
  { title: "State" },
  { title: "Checkpoint", looks: "number" },
  { title: "Lag", looks: "number" },
  { title: "Documents", looks: "number" },
  { title: "Size", looks: "number" },
  { title: "Last build" },
  { title: "Actions", isUnseen: true },
];

/** All projections in a table. */
export function ProjectionsSection(
  { state }: { readonly state: DashboardState },
): JSX.Element {
  const { projections, principal, nowMs } = state;
  return (
    <section aria-labelledby="projections-heading" data-key="projections">
      <header class="section-head">
        <h2 id="projections-heading" tabindex={-1}>Projections</h2>
        <div class="buttons">
          {TOOLBAR.map((action) => (
            <ActionButton action={action} principal={principal} />
          ))}
        </div>
      </header>
      {projections.length === 0
        ? <p class="empty">No projection is registered.</p>
        : (
          <CardTable
            caption="State, progress and size of each projection"
            columns={COLUMNS}
          >
            {projections.map((info) => (
              <ProjectionRows
                info={info}
                principal={principal}
                nowMs={nowMs}
              />
            ))}
          </CardTable>
        )}
    </section>
  );
}

const TOOLBAR: readonly Action[] = [
  {
    label: "Dry run",
    title: "What needs a rebuild?",
    text: "Nothing is done. This is what “Rebuild what needs it” would do now.",
    plan: "view=plan",
  },
  {
    label: "Rebuild what needs it",
    title: "Rebuild what needs it?",
    text: "What serves now goes on serving until each new build is complete.",
    confirm: "Rebuild",
    done: "The rebuild has started",
    url: "/admin/projections/rebuild",
    plan: "view=plan",
    isRebuild: true,
    asPlanned: true,
  },
  {
    label: "Rebuild selected",
    title: "Rebuild the selected projections?",
    text: "What serves now goes on serving until each new build is complete.",
    confirm: "Rebuild",
    done: "The rebuild has started",
    url: "/admin/projections/rebuild",
    plan: "view=plan",
    ofSelection: true,
    isRebuild: true,
  },
  {
    label: "Rebuild all",
    title: "Rebuild all projections?",
    text: "Also those that are up to date. What serves now goes on serving " +
      "until each new build is complete.",
    confirm: "Rebuild all",
    done: "The rebuild has started",
    url: "/admin/projections/rebuild?forceAll=true",
    plan: "view=plan&forceAll=true",
    isRebuild: true,
  },
];

function ProjectionRows(
  { info, principal, nowMs }: {
    readonly info: ProjectionInfo;
    readonly principal: Principal;
    readonly nowMs: number;
  },
): JSX.Element {
  const { name, state, version, generation, checkpoint, lag } = info;
  const { lastBuild, builtAt } = info;
  const trouble = troubleOf(info);
  return (
    <>
      <tr
        role="row"
        data-key={name}
        class={trouble === undefined ? undefined : "troubled"}
      >
        <td role="cell" class="tick">
          <input
            type="checkbox"
            name="projection"
            value={name}
            aria-label={`Select ${name}`}
          />
        </td>
        <th role="rowheader" scope="row">
          <a href={pageOf(name)}>{name}</a>
          <small>
            version {version}
            {generation === null ? "" : `, generation ${generation}`}
          </small>
        </th>
        <td role="cell" data-label="State">
          <Badge
            tone={STATE_TONES[state]}
            text={state}
            title={STATES[state]}
          />
        </td>
        <td role="cell" data-label="Checkpoint" class="number">
          {count(checkpoint)}
        </td>
        <td
          role="cell"
          data-label="Lag"
          class={lag > 0 ? "number behind" : "number"}
        >
          {lag === 0 ? "none" : countOf(lag, "event")}
        </td>
        <td role="cell" data-label="Documents" class="number">
          {count(info.documents)}
        </td>
        <td role="cell" data-label="Size" class="number">
          {bytes(info.bytes)}
        </td>
        <td role="cell" data-label="Last build">
          {lastBuild
            ? (
              <span title={instant(lastBuild.completedAt)}>
                {lastBuild.state === "succeeded"
                  ? relative(lastBuild.completedAt, nowMs)
                  : `${lastBuild.state} ${
                    relative(lastBuild.completedAt, nowMs)
                  }`}
                <small>took {duration(lastBuild.duration)}</small>
              </span>
            )
            : builtAt
            ? <span title={instant(builtAt)}>{relative(builtAt, nowMs)}</span>
            : "never"}
        </td>
        <td role="cell" class="actions">
          <div class="buttons">
            <Buttons
              name={name}
              actions={actionsOf(info)}
              principal={principal}
            />
          </div>
        </td>
      </tr>
      {trouble === undefined
        ? null
        : (
          <tr role="row" class="trouble" data-key={`${name} trouble`}>
            <td role="cell" class="tick"></td>
            <td role="cell" colspan={8}>
              {trouble}
              {info.fault === null ? null : (
                <div class="buttons">
                  <Buttons
                    name={name}
                    actions={faultActionsOf(info, info.fault)}
                    principal={principal}
                  />
                </div>
              )}
            </td>
          </tr>
        )}
    </>
  );
}

/** What can be done about one projection. */
export function ProjectionButtons(
  { info, principal }: {
    readonly info: ProjectionInfo;
    readonly principal: Principal;
  },
): JSX.Element {
  const actions = info.fault === null
    ? actionsOf(info)
    : [...actionsOf(info), ...faultActionsOf(info, info.fault)];
  return <Buttons name={info.name} actions={actions} principal={principal} />;
}

function Buttons(
  { name, actions, principal }: {
    readonly name: string;
    readonly actions: readonly Action[];
    readonly principal: Principal;
  },
): JSX.Element {
  return (
    <>
      {actions.map((action) => (
        <ActionButton
          action={{ ...action, subject: name }}
          principal={principal}
        />
      ))}
    </>
  );
}

const RUNNING = "A rebuild is under way";

function actionsOf(info: ProjectionInfo): Action[] {
  const { name, build, previousGeneration, generation } = info;
  const path = pathOf(name);
  const running = build === null ? undefined : RUNNING;
  return [{
    label: "Rebuild",
    title: `Rebuild ${name}?`,
    text: "What serves now goes on serving until the new build is complete.",
    confirm: "Rebuild",
    done: "The rebuild has started",
    url: `${path}/rebuild`,
    plan: `view=plan&names=${encodeURIComponent(name)}`,
    isRebuild: true,
    unavailable: running,
  }, {
    label: "Roll back",
    title: `Roll ${name} back?`,
    text: `Generation ${previousGeneration} serves again instead of ` +
      `generation ${generation}, at once. If the code that is registered now ` +
      "built it, it is brought up to date; else it is served as it was, and " +
      "is stale. No start and no schedule undoes that. Rolling back once " +
      "more goes forward again.",
    confirm: "Roll back",
    done: "It is rolled back",
    url: `${path}/rollback${generation === null ? "" : `?from=${generation}`}`,
    isDrastic: true,
    unavailable: previousGeneration === null
      ? "There is no generation to go back to"
      : running,
  }];
}

function faultActionsOf(
  { name, build }: ProjectionInfo,
  { position }: ProjectionFault,
): Action[] {
  const path = pathOf(name);
  return [{
    label: "Retry",
    title: `Try ${name} again?`,
    text: `The event at position ${count(position)} is tried again at once.`,
    confirm: "Retry",
    done: "It is tried again",
    url: `${path}/retry`,
  }, {
    label: "Skip event",
    title: `Pass over the event at position ${count(position)}?`,
    text: `${name} goes on without it, now and in every rebuild of the ` +
      "same code. What the event would have changed is missing from its " +
      "documents until the code is repaired.",
    confirm: "Skip the event",
    done: "The event is passed over",
    url: `${path}/events/${position}/skip`,
    isDrastic: true,
    unavailable: build === null ? undefined : RUNNING,
  }];
}

function troubleOf(info: ProjectionInfo): JSX.Element | undefined {
  const { name, fault, deadLetters, lastBuild, lastError } = info;
  const lines: JSX.Element[] = [];
  if (fault !== null) {
    lines.push(
      <p>
        <strong>Faulted at position {count(fault.position)}</strong>{" "}
        ({fault.eventType}): {fault.message}{" "}
        <small>
          {countOf(fault.attempts, "attempt")},{" "}
          {fault.retryAt === null
            ? "not tried again by itself"
            : `tried again at ${instant(fault.retryAt)}`}
        </small>
      </p>,
    );
  } else if (lastBuild?.state === "failed" && lastError !== null) {
    lines.push(
      <p>
        <strong>
          Last build failed{lastError.position === null
            ? ""
            : ` at position ${count(lastError.position)}`}
        </strong>
        : {lastError.message}
      </p>,
    );
  }
  if (deadLetters > 0) {
    lines.push(
      <p>
        <a href={`${pageOf(name)}#dead-letters`}>
          {countOf(deadLetters, "dead letter")}
        </a>: events that it passed over
      </p>,
    );
  }
  return lines.length === 0 ? undefined : <>{lines}</>;
}
