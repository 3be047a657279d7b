/**
 * The rehearsal: folds the events once, asking everything twice, and says what is wrong with the
 * definition's code: the ways of folding only show that something is.
 *
 * @module
 */
import type { StoredEvent } from "../../events/event.ts";
import type { ProjectionDefinition } from "../../projections/definition.ts";
import { type ImpurityWatch, watchImpurities } from "./impurities.ts";
import { findJsonLoss } from "./json_loss.ts";
import { type Documents, type Step, steps, toText } from "./plain_fold.ts";
import * as words from "./problem_words.ts";
import type { DefinitionMethod, DeterminismProblem } from "./report.ts";

/** What the rehearsal came to. */
export interface Rehearsal {
  /** The documents after the last event, or why there are none. */
  readonly result: { readonly documents: Documents } | {
    readonly error: string;
  };
  /** The mistakes, each where it showed first. */
  readonly problems: readonly DeterminismProblem[];
}

/**
 * Rehearses a projection. Runs without a break, so that what is noticed is the definition's.
 *
 * @param definition The projection.
 * @param events The events from position 1, frozen.
 * @returns The documents and the mistakes.
 */
export function rehearse(
  definition: ProjectionDefinition,
  events: readonly StoredEvent[],
): Rehearsal {
  using watch = watchImpurities();
  return new Rehearser(definition, watch).run(events);
}

/** A document as it is held in memory during a rebuild, and as it is stored. */
interface Held {
  readonly state: unknown;
  readonly text: string;
}

/** What a call came to; `text` tells whether two came to the same. */
type Outcome =
  | { readonly value: unknown; readonly text: string | undefined }
  | { readonly error: unknown };

/** What is being called for. */
interface Place {
  readonly method: DefinitionMethod;
  readonly event: StoredEvent;
  readonly key: string | null;
}

/** The definition threw: there is nothing more to fold. */
class RehearsalEnd extends Error {}

class Rehearser {
  readonly #definition: ProjectionDefinition;
  readonly #watch: ImpurityWatch;
  readonly #held = new Map<string, Held>();
  readonly #problems = new Map<string, DeterminismProblem>();

  constructor(definition: ProjectionDefinition, watch: ImpurityWatch) {
    this.#definition = definition;
    this.#watch = watch;
  }

  run(events: readonly StoredEvent[]): Rehearsal {
    const ask = <T>(
      method: DefinitionMethod,
      event: StoredEvent,
      action: () => T,
    ): T => {
      const place = { method, event, key: null };
      const outcome = this.#twice(place, action, action);
      return outcome.value as T;
    };
    try {
      for (const step of steps(this.#definition, events, { ask })) {
        this.#apply(step);
      }
    } catch (error) {
      if (!(error instanceof RehearsalEnd)) throw error;
      return this.#end({ error: error.message });
    }
    const documents = [...this.#held].map(([key, { text }]) =>
      [key, text] as const
    );
    return this.#end({ documents: new Map(documents) });
  }

  #end(result: Rehearsal["result"]): Rehearsal {
    return { result, problems: [...this.#problems.values()] };
  }

  #apply({ event, key, related }: Step): void {
    const place: Place = { method: "apply", event, key };
    const held = this.#heldUnchanged(place);
    const apply = (state: unknown) => () => {
      const next = this.#definition.apply(state, event, {
        key,
        related: related(),
      });
      return next === event.data ? structuredClone(next) : next;
    };
    const copy = cloneIfPossible(held?.state);
    const { value, text } = this.#twice(
      place,
      apply(held?.state),
      apply(parse(held?.text)),
      apply(copy),
    );
    if (text === undefined) {
      this.#held.delete(key);
      return;
    }
    const loss = findJsonLoss(value);
    if (loss) this.#note(place, "notJson", words.notJson(loss));
    this.#held.set(key, { state: value, text });
    this.#tags(place, value, text);
  }

  #tags({ event, key }: Place, state: unknown, text: string): void {
    const { tags } = this.#definition;
    if (!tags || key === null) return;
    const ask = (state: unknown) => () => [
      ...this.#definition.tags?.(state, key) ?? [],
    ];
    const place: Place = { method: "tags", event, key };
    this.#twice(place, ask(state), ask(parse(text)), ask(state));
  }

  /** The document, after a look at whether it still is what the last event made of it. */
  #heldUnchanged(place: Place): Held | undefined {
    const held = this.#held.get(place.key ?? "");
    if (!held || textOf(held.state) === held.text) return held;
    this.#note(place, "sharedState", words.CHANGED_MEANWHILE);
    return { state: parse(held.text), text: held.text };
  }

  /**
   * Calls for something twice: with the document as it is held in memory, and as it is when it
   * was stored and read back. A third call, with a copy of the former, tells why they differ.
   */
  #twice(
    place: Place,
    inMemory: () => unknown,
    readBack: () => unknown,
    inMemoryAgain: () => unknown = inMemory,
  ): { readonly value: unknown; readonly text: string | undefined } {
    const first = attempt(inMemory);
    const second = attempt(readBack);
    const impurities = this.#watch.take();
    for (const { kind, source } of impurities) {
      this.#note(place, kind, words[kind](place.method, source));
    }
    if (!isSame(first, second) && impurities.length === 0) {
      this.#explain(place, first, attempt(inMemoryAgain));
    }
    if ("error" in first) return this.#fail(place, first.error);
    if ("error" in second) return this.#fail(place, second.error);
    return isSame(first, second)
      ? first
      : { value: parse(second.text), text: second.text };
  }

  #fail(place: Place, error: unknown): never {
    const message = words.failed(place.method, error);
    this.#note(place, "failed", message);
    throw new RehearsalEnd(message);
  }

  #explain(place: Place, first: Outcome, again: Outcome): void {
    const isOfAnEvent = "error" in first && words.isFrozen(first.error);
    if (isOfAnEvent) return;
    if (!isSame(first, again)) {
      this.#note(place, "sharedState", words.twoResults(place.method));
      return;
    }
    const isKnown = [...this.#problems.values()]
      .some(({ kind }) => kind === "notJson");
    if (!isKnown) {
      this.#note(place, "notJson", words.otherWhenReadBack(place.method));
    }
  }

  /** Takes note of a mistake, unless it is known already. */
  #note(
    { method, event, key }: Place,
    kind: DeterminismProblem["kind"],
    message: string,
  ): void {
    const known = `${method} ${message}`;
    if (this.#problems.has(known)) return;
    const { position, type: eventType } = event;
    const problem = { kind, message, method, position, eventType, key };
    this.#problems.set(known, problem);
  }
}

function attempt(action: () => unknown): Outcome {
  try {
    const value = action();
    return { value, text: toText(value) };
  } catch (error) {
    return { error };
  }
}

function isSame(one: Outcome, other: Outcome): boolean {
  if ("error" in one || "error" in other) {
    return "error" in one && "error" in other;
  }
  return one.text === other.text;
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** The text now; nothing if it became something that JSON refuses. */
function textOf(state: unknown): string | undefined {
  try {
    return toText(state);
  } catch {
    return undefined;
  }
}

/** Keeps what JSON loses, and which parts are one and the same object. */
function cloneIfPossible(state: unknown): unknown {
  try {
    return structuredClone(state);
  } catch {
    return state;
  }
}
