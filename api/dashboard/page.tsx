/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * The pages: what surrounds everything, signing in, the overview, and one projection.
 *
 * @module
 */
import type { Child } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";
import { mayOperate, SCOPE_NOTE_ID } from "./action.tsx";
import { SCRIPT_PATH, STYLE } from "./assets.ts";
import { DamageSection } from "./damage_view.tsx";
import { ConfirmDialog } from "./dialog.tsx";
import {
  HistorySection,
  ScheduleSection,
  UnderWaySection,
} from "./operations_view.tsx";
import { ProjectionPage } from "./projection_page.tsx";
import { ProjectionsSection } from "./projections_view.tsx";
import type { DashboardState, ProjectionDetails, Viewer } from "./state.ts";
import { judge } from "./verdict.ts";
import { count, instant } from "./words.ts";

/** How often a page without script is loaded again, in seconds. */
const REFRESH_SECONDS = 10;

/** What a page shows. */
export interface PageContent {
  readonly state: DashboardState;
  /** The projection that the page is about. @default {all} */
  readonly details?: ProjectionDetails | undefined;
}

/**
 * The page where one signs in.
 *
 * @param problem Why one is not signed in. @default {nothing was tried}
 * @returns The document.
 */
export function signInPage(problem?: string): string {
  return documentOf(
    <Document title="Sign in">
      <main class="sign-in">
        <h1>Opossum</h1>
        <form method="post" action="/admin/session">
          <input
            name="username"
            autocomplete="username"
            value="opossum"
            hidden
          />
          <label for="token">Token of the admin API</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            autocapitalize="off"
            spellcheck={false}
            required
            autofocus
            aria-describedby={problem === undefined
              ? undefined
              : "sign-in-problem"}
          />
          {problem === undefined
            ? null
            : <p id="sign-in-problem" class="problem" role="alert">{problem}
            </p>}
          <button type="submit" class="main">Sign in</button>
        </form>
      </main>
    </Document>,
  );
}

/**
 * The dashboard.
 *
 * @param content What it shows.
 * @returns The document.
 */
export function dashboardPage(content: PageContent): string {
  const { state, details } = content;
  return documentOf(
    <Document
      title={details?.info.name ?? "Dashboard"}
      head={
        <>
          <noscript>
            <meta http-equiv="refresh" content={String(REFRESH_SECONDS)} />
          </noscript>
          <script type="module" src={SCRIPT_PATH}></script>
        </>
      }
    >
      <a class="skip" href="#live">Skip to the content</a>
      <Header viewer={state} />
      <main>
        <div id="notices" role="status"></div>
        <p id="progress-told" class="unseen" role="status"></p>
        <p class="facts without-script">
          Without script this page only shows how things stand; it is loaded
          again every {REFRESH_SECONDS} seconds.
        </p>
        <div id="live">
          <Live {...content} />
        </div>
      </main>
      <ConfirmDialog />
    </Document>,
  );
}

/**
 * What of the dashboard changes.
 *
 * @param content What it shows.
 * @returns HTML without a document around it.
 */
export function liveFragment(content: PageContent): string {
  return String(<Live {...content} />);
}

function Live({ state, details }: PageContent): JSX.Element {
  return (
    <>
      <VerdictBand state={state} />
      {mayOperate(state.principal)
        ? null
        : (
          <p id={SCOPE_NOTE_ID} class="facts" data-key="scope">
            Your token may look only: what changes something is disabled.
          </p>
        )}
      {details === undefined
        ? (
          <>
            <ProjectionsSection state={state} />
            <UnderWaySection state={state} />
            <Charts />
            <ScheduleSection state={state} />
            <DamageSection state={state} />
            <HistorySection state={state} />
          </>
        )
        : <ProjectionPage state={state} details={details} />}
    </>
  );
}

const SYMBOLS = { good: "✓", busy: "↻", warn: "!", bad: "✕" } as const;

function VerdictBand(
  { state }: { readonly state: DashboardState },
): JSX.Element {
  const { tone, headline, more } = judge(state);
  return (
    <section
      class={`verdict ${tone}`}
      aria-labelledby="verdict-heading"
      data-key="verdict"
    >
      <span class="symbol" aria-hidden="true">{SYMBOLS[tone]}</span>
      <div>
        <div role="status">
          <h2 id="verdict-heading" tabindex={-1} data-verdict>{headline}</h2>
          {more.map((sentence) => <p key={sentence}>{sentence}</p>)}
        </div>
        <p class="facts">
          The log holds {count(state.head)} events. As of{" "}
          {instant(new Date(state.nowMs).toISOString())}.
        </p>
      </div>
    </section>
  );
}

/** Drawn by the script, which has seen what was: the server only knows what is. */
function Charts(): JSX.Element {
  return (
    <section
      class="charts"
      aria-labelledby="charts-heading"
      data-key="charts"
      data-keep
    >
      <h2 id="charts-heading" tabindex={-1}>Since this page was opened</h2>
      <div class="chart-pair">
        <Chart
          id="throughput"
          title="Events looked at a second, over all rebuilds"
        />
        <Chart id="lag" title="Events behind, over all projections" />
      </div>
    </section>
  );
}

function Chart(
  { id, title }: { readonly id: string; readonly title: string },
): JSX.Element {
  return (
    <figure id={`chart-${id}`}>
      <figcaption>
        {title} <span class="now"></span>
      </figcaption>
      <svg
        viewBox="0 0 300 72"
        preserveAspectRatio="none"
        role="img"
        aria-label={title}
      >
        <path class="area" />
        <path class="line" />
      </svg>
    </figure>
  );
}

function Header({ viewer }: { readonly viewer: Viewer }): JSX.Element {
  const { principal, hasSession } = viewer;
  return (
    <header class="page-head">
      <h1>
        <a href="/admin">Opossum</a>
      </h1>
      <p id="connection" class="facts"></p>
      {hasSession
        ? (
          <form method="post" action="/admin/session">
            <span>
              {principal.id}
              <small>{mayOperate(principal) ? "operates" : "looks"}</small>
            </span>
            <button type="submit" name="signOut" value="true">Sign out</button>
          </form>
        )
        : <p>no sign-in needed here</p>}
    </header>
  );
}

function Document(
  { title, head, children }: {
    readonly title: string;
    readonly head?: Child;
    readonly children?: Child;
  },
): JSX.Element {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Opossum</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={STYLE.path} />
        {head}
      </head>
      <body>{children}</body>
    </html>
  );
}

function documentOf(element: JSX.Element): string {
  return `<!DOCTYPE html>${String(element)}`;
}
