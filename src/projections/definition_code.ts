/**
 * Runs a definition's own code: checks what it returns, and says on which event it failed.
 *
 * @module
 */
import type { Position, StoredEvent, Tag } from "../events/event.ts";
import type { ProjectionWatch } from "./code_watch.ts";
import type { ApplyContext, ProjectionDefinition } from "./definition.ts";
import { ProjectionApplyError, toTellable } from "./errors.ts";

const KEY_BYTES_MAX = 1_024;
const NOTHING: readonly never[] = Object.freeze([]);

/** Which event something failed on. */
export type ApplyLocation = Pick<StoredEvent, "position" | "type">;

/** The code of one definition. Everything throws a {@linkcode ProjectionApplyError}. */
export class DefinitionCode {
  readonly #definition: ProjectionDefinition;
  readonly #attempts: number;
  readonly #watch: ProjectionWatch | undefined;
  #lastPosition: Position = 0;

  /**
   * @param definition The projection.
   * @param options How often in a row the code must fail to tell keys and related tags, and who is
   * told when it runs.
   */
  constructor(
    definition: ProjectionDefinition,
    { attempts, watch }: {
      readonly attempts: number;
      readonly watch: ProjectionWatch | undefined;
    },
  ) {
    this.#definition = definition;
    this.#attempts = attempts;
    this.#watch = watch;
  }

  /** The keys of the documents that an event changes, each once. */
  keys(event: StoredEvent): readonly string[] {
    for (let attempt = 1;; attempt++) {
      try {
        this.#watch?.enter(event.position);
        return toKeys(refusePromise(this.#definition.key(event), "key"));
      } catch (cause) {
        if (attempt < this.#attempts) continue;
        throw this.#failedAt(event, cause);
      } finally {
        this.#watch?.leave();
      }
    }
  }

  /** The tags of the earlier events that are needed to apply an event. */
  relatedTags(event: StoredEvent): readonly Tag[] {
    const { related } = this.#definition;
    if (!related) return NOTHING;
    for (let attempt = 1;; attempt++) {
      try {
        this.#watch?.enter(event.position);
        return toTags(related.tags(event), "related.tags");
      } catch (cause) {
        if (attempt < this.#attempts) continue;
        throw this.#failedAt(event, cause);
      } finally {
        this.#watch?.leave();
      }
    }
  }

  /** The document after an event; `undefined` for none. */
  apply(
    state: unknown,
    event: StoredEvent,
    context: ApplyContext,
  ): unknown {
    this.#lastPosition = event.position;
    try {
      this.#watch?.enter(event.position);
      return toState(this.#definition.apply(state, event, context), event);
    } catch (cause) {
      throw this.#failedAt(event, cause);
    } finally {
      this.#watch?.leave();
    }
  }

  /** A document as JSON text. */
  text(state: unknown, lastEvent: ApplyLocation): string {
    try {
      this.#watch?.enter(lastEvent.position);
      return toText(state);
    } catch (cause) {
      throw this.#failedAt(lastEvent, cause);
    } finally {
      this.#watch?.leave();
    }
  }

  /** The labels of a document, each once. */
  tags(
    state: unknown,
    key: string,
    lastEvent: ApplyLocation | undefined,
  ): readonly Tag[] {
    const { tags } = this.#definition;
    if (!tags) return NOTHING;
    try {
      this.#watch?.enter(lastEvent?.position ?? 0);
      const list = toTags(this.#definition.tags?.(state, key), "tags");
      for (const tag of list) assertText("tag", tag);
      return [...new Set(list)];
    } catch (cause) {
      throw this.#failedAt(lastEvent, cause);
    } finally {
      this.#watch?.leave();
    }
  }

  #failedAt(
    event: ApplyLocation | undefined,
    thrown: unknown,
  ): ProjectionApplyError {
    const cause = toTellable(thrown);
    const { position, type } = event ??
      { position: this.#lastPosition, type: "unknown" };
    const { name } = this.#definition;
    return new ProjectionApplyError(name, { position, type }, { cause });
  }
}

function toKeys(keys: unknown): readonly string[] {
  if (keys === undefined || keys === null) return NOTHING;
  const list = Array.isArray(keys) ? [...new Set(keys)] : [keys];
  for (const key of list) assertText("key", key);
  return list;
}

/** Refuses what would come back from the database as another one. */
function assertText(noun: "key" | "tag", text: unknown): void {
  // Never the text itself: messages go where documents do not.
  if (typeof text !== "string" || text === "" || !text.isWellFormed()) {
    const found = typeof text !== "string"
      ? `a value of type ${typeof text}`
      : text === ""
      ? "empty"
      : "a text with a lone surrogate";
    throw new TypeError(
      `A ${noun} must be a well-formed text that is not empty: it is ${found}`,
    );
  }
  // SQLite's drivers end a text there when they read it back.
  if (text.includes("\0")) {
    throw new TypeError(
      `A ${noun} must not contain U+0000: there is one at ${
        text.indexOf("\0")
      }`,
    );
  }
  // A UTF-16 unit takes at most three bytes: only long ones need counting.
  if (text.length * 3 > KEY_BYTES_MAX && byteLength(text) > KEY_BYTES_MAX) {
    throw new RangeError(
      `A ${noun} must take at most ${KEY_BYTES_MAX} bytes: it takes ${
        byteLength(text)
      }`,
    );
  }
}

function toTags(tags: unknown, method: string): readonly Tag[] {
  refusePromise(tags, method);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) {
    return tags;
  }
  throw new TypeError(`'${method}' must return a list of texts`);
}

/** What is to be synchronous; a promise that nobody waits for could end the process. */
function refusePromise<T>(value: T, method: string): T {
  if (!(value instanceof Promise)) return value;
  value.catch(() => {});
  throw new TypeError(
    `'${method}' must be synchronous: it returned a promise`,
  );
}

function toState(state: unknown, event: StoredEvent): unknown {
  refusePromise(state, "apply");
  // The document must stay changeable, as it is when it was read back from disk.
  return state === event.data ? structuredClone(state) : state ?? undefined;
}

function toText(state: unknown): string {
  const text = JSON.stringify(state);
  if (text === undefined) {
    throw new TypeError(`A state must be JSON data: it is a ${typeof state}`);
  }
  return text;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
