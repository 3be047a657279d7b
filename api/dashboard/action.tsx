/** @jsxRuntime automatic */
/** @jsxImportSource hono/jsx */
/**
 * Buttons that change something. What they ask for stands in their attributes; the script shows it
 * in a dialog and sends it when it is confirmed.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Principal } from "../principal.ts";

/** What a button asks for. */
export interface Action {
  /** The words on the button. */
  readonly label: string;
  /** What it is about, for those who hear the button without its row. */
  readonly subject?: string | undefined;
  /** Heading of the dialog, a question. */
  readonly title: string;
  /** What will happen. */
  readonly text: string;
  /** The words that confirm it; without, the dialog only shows the plan. */
  readonly confirm?: string;
  /** What has happened then. */
  readonly done?: string;
  /** Where the request goes. */
  readonly url?: string;
  /** Query of the plan to show. */
  readonly plan?: string;
  /** Whether it is about the projections that are ticked. */
  readonly ofSelection?: boolean;
  /** Whether a rebuild's note and the like may be given. */
  readonly isRebuild?: boolean;
  /** Whether it takes something away. */
  readonly isDrastic?: boolean;
  /** Whether it does what its plan showed, and nothing that came up since. */
  readonly asPlanned?: boolean;
  /** Why it cannot be done now. */
  readonly unavailable?: string | undefined;
}

/** Id of the note that says why buttons are disabled. */
export const SCOPE_NOTE_ID = "scope-note";

/**
 * Whether somebody may change something.
 *
 * @param principal Who.
 * @returns Whether they may operate.
 */
export function mayOperate({ scopes }: Principal): boolean {
  return scopes.includes("operate");
}

/** A button that opens the dialog. */
export function ActionButton(
  { action, principal }: {
    readonly action: Action;
    readonly principal: Principal;
  },
): JSX.Element {
  const { label, subject, title, text, confirm, done, url, plan } = action;
  const { ofSelection, isRebuild, isDrastic, asPlanned, unavailable } = action;
  const isForbidden = url !== undefined && !mayOperate(principal);
  return (
    <button
      type="button"
      class={isDrastic ? "drastic" : undefined}
      disabled={isForbidden}
      // It keeps the focus while that changes, and says why when it is pressed.
      aria-disabled={unavailable === undefined ? undefined : "true"}
      title={isForbidden ? "Your token may look only" : unavailable}
      aria-describedby={isForbidden ? SCOPE_NOTE_ID : undefined}
      aria-haspopup="dialog"
      data-action
      data-title={title}
      data-text={text}
      data-confirm={confirm}
      data-done={done}
      data-url={url}
      data-plan={plan}
      data-selection={ofSelection ? "" : undefined}
      data-rebuild={isRebuild ? "" : undefined}
      data-as-planned={asPlanned ? "" : undefined}
    >
      {label}
      {subject === undefined
        ? null
        : <span class="unseen">{` ${subject}`}</span>}
    </button>
  );
}

/** A state in a word. */
export function Badge(
  { tone, text, title }: {
    readonly tone: string;
    readonly text: string;
    readonly title?: string | undefined;
  },
): JSX.Element {
  return <span class={`badge ${tone}`} title={title}>{text}</span>;
}
