/**
 * What a determinism check found: types, and the report as text.
 *
 * @module
 */
import type { Position } from "../../events/event.ts";

/**
 * What is wrong with a definition's code:
 *
 * - `clock`: it asks what time it is.
 * - `chance`: it draws random numbers.
 * - `timeZone`: it asks for the time zone or the language of the machine.
 * - `sharedState`: it reads or writes something that outlives the call, besides the document.
 * - `notJson`: its document holds what JSON does not carry.
 * - `failed`: it threw an error, or gave what no projection may give.
 */
export type DeterminismProblemKind =
  | "clock"
  | "chance"
  | "timeZone"
  | "sharedState"
  | "notJson"
  | "failed";

/** The functions of a definition. */
export type DefinitionMethod = "key" | "apply" | "tags" | "related.tags";

/** A mistake in a definition's code, and the event at which it showed first. */
export interface DeterminismProblem {
  /** What kind of mistake. */
  readonly kind: DeterminismProblemKind;
  /** What the function does, what follows from it, and what to do instead. */
  readonly message: string;
  /** The function. */
  readonly method: DefinitionMethod;
  /** The first event at which it showed. */
  readonly position: Position;
  /** That event's type. */
  readonly eventType: string;
  /** The document, or `null` when it is not about one. */
  readonly key: string | null;
}

/** What one way of folding the events came to. */
export interface DeterminismOutcome {
  /** The way, such as `"live, batches of 7"`. */
  readonly way: string;
  /**
   * SHA-256 over the documents in order of key, each as its key and its JSON text, in hexadecimal
   * digits; `null` when the way failed.
   */
  readonly digest: string | null;
  /** Why it failed, or `null`. */
  readonly error: string | null;
}

/** The first document, in order of key, that two ways do not agree on. */
export interface DeterminismDifference {
  /** The way that differs from the plain fold. */
  readonly way: string;
  /** The document's key. */
  readonly key: string;
  /** Its JSON text by the plain fold; `null` when there is no such document. */
  readonly expected: string | null;
  /** Its JSON text by the way that differs; `null` when there is no such document. */
  readonly actual: string | null;
}

/** What was found out about one projection. */
export interface ProjectionDeterminism {
  /** The projection. */
  readonly name: string;
  /** Whether every way gave the same documents, and no mistake was found in its code. */
  readonly isDeterministic: boolean;
  /** Number of documents by the plain fold. */
  readonly documents: number;
  /** What each way came to; the first is the plain fold. */
  readonly outcomes: readonly DeterminismOutcome[];
  /** The ways that came to something else than the plain fold. */
  readonly differingWays: readonly string[];
  /** Where the first of them differs; `null` when none does, or it failed altogether. */
  readonly difference: DeterminismDifference | null;
  /** The mistakes found in its code. */
  readonly problems: readonly DeterminismProblem[];
}

/** What a determinism check found. Plain JSON. */
export interface DeterminismReport {
  /** Whether all projections are deterministic, as far as these events can show. */
  readonly isDeterministic: boolean;
  /** How many events were folded. */
  readonly events: number;
  /** The ways in which they were folded; the first is what the others are compared with. */
  readonly ways: readonly string[];
  /** The projections, sorted by name. */
  readonly projections: readonly ProjectionDeterminism[];
}

/** A projection is not deterministic. The message is the report as text. */
export class DeterminismError extends Error {
  /** Tells the class by its name, also across realms. */
  override readonly name = "DeterminismError";

  /**
   * Creates the error.
   *
   * @param report What was found.
   */
  constructor(
    /** What was found. */
    readonly report: DeterminismReport,
  ) {
    // Keys and documents are those of a test: its author is the one who reads them.
    super(describeDeterminism(report));
  }
}

/** A document is shown up to so many characters. */
const DOCUMENT_UNITS_MAX = 400;

/**
 * The report as text, for people: a paragraph for each projection.
 *
 * @param report What was found.
 * @returns The text, without a line end.
 */
export function describeDeterminism(report: DeterminismReport): string {
  const { events, ways } = report;
  const effort = `${events} events, ${ways.length} ways of folding them`;
  return report.projections.flatMap((projection) => [
    projection.isDeterministic
      ? `"${projection.name}" is deterministic (${effort})`
      : `"${projection.name}" is not deterministic (${effort}):`,
    ...projection.problems.map(describeProblem),
    ...describeDifference(projection),
  ]).join("\n");
}

function describeProblem(
  { kind, message, position, eventType, key }: DeterminismProblem,
): string {
  const document = key === null ? "" : `, document ${JSON.stringify(key)}`;
  return `  ${kind}: ${message} (event ${position}, "${eventType}"${document})`;
}

function describeDifference(
  { difference, differingWays, outcomes }: ProjectionDeterminism,
): string[] {
  const [reference] = outcomes;
  if (!reference || differingWays.length === 0) return [];
  const lines = [
    `  other documents than by the ${reference.way}: ${
      differingWays.join("; ")
    }`,
  ];
  for (const { way, error } of outcomes) {
    if (error !== null) lines.push(`  ${way} failed: ${error}`);
  }
  if (difference) {
    const { way, key, expected, actual } = difference;
    lines.push(
      `  the first is ${JSON.stringify(key)}:`,
      `    ${reference.way}: ${shorten(expected)}`,
      `    ${way}: ${shorten(actual)}`,
    );
  }
  return lines;
}

function shorten(text: string | null): string {
  if (text === null) return "no document";
  return text.length <= DOCUMENT_UNITS_MAX
    ? text
    : `${text.slice(0, DOCUMENT_UNITS_MAX)}… (${text.length} characters)`;
}
