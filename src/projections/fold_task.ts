/**
 * One event of a fold, between being looked at and being applied.
 *
 * @module
 */
import type { StoredEvent, Tag } from "../events/event.ts";
import { ProjectionApplyError } from "./errors.ts";

const NOTHING: readonly never[] = Object.freeze([]);

/** One event with what it will need. */
export interface FoldTask {
  readonly event: StoredEvent;
  keys: readonly string[];
  relatedTags: readonly Tag[];
  /** Whether it is to be kept for later events. */
  readonly keep: boolean;
  /** How the code failed on it before it was applied, if it did. */
  failure: ProjectionApplyError | undefined;
}

/** A task that needs nothing yet. */
export function toTask(event: StoredEvent, keep: boolean): FoldTask {
  return {
    event,
    keys: NOTHING,
    relatedTags: NOTHING,
    keep,
    failure: undefined,
  };
}

/** What tasks need that may not be in memory. */
export interface FoldNeeds {
  /** Keys of documents. */
  readonly keys: ReadonlySet<string>;
  /** Tags whose related events are asked for. */
  readonly wanted: ReadonlySet<Tag>;
  /** Tags under which events are to be kept. */
  readonly kept: ReadonlySet<Tag>;
}

/** What tasks need besides the documents that are at hand. */
export function needsOf(
  tasks: readonly FoldTask[],
  documents: ReadonlyMap<string, unknown>,
): FoldNeeds {
  const keys = new Set<string>();
  const wanted = new Set<Tag>();
  const kept = new Set<Tag>();
  for (const { event, relatedTags, keep, keys: needed } of tasks) {
    for (const key of needed) if (!documents.has(key)) keys.add(key);
    for (const tag of relatedTags) wanted.add(tag);
    if (keep) { for (const tag of event.tags) kept.add(tag); }
  }
  return { keys, wanted, kept };
}

/** What the definition's code threw; anything else is no failure of an event. */
export function asFailure(error: unknown): ProjectionApplyError {
  if (error instanceof ProjectionApplyError) return error;
  throw error;
}
