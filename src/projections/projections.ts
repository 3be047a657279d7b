/**
 * The read side: documents of the generation that serves, and how far it is. Types only.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { Tag } from "../events/event.ts";
import type { ProjectionBuildInfo, ProjectionLastError } from "./build_info.ts";
import type {
  Checkpoint,
  ErrorPolicy,
  ProjectionDocument,
} from "./definition.ts";

/** Which page of documents. */
export interface PageOptions {
  /** Exclusive: the key after which the page begins (before which, backwards). @default {the first} */
  readonly after?: string;
  /** Documents a page, an integer from 1 to 10,000. @default {100} */
  readonly limit?: number;
  /** In descending order of key. @default {false} */
  readonly backwards?: boolean;
}

/** Documents in order of key (byte order of the UTF-8 text). */
export interface DocumentPage<State = unknown> {
  /** The documents. */
  readonly documents: readonly ProjectionDocument<State>[];
  /** What to pass as `after` for the next page, or `null` on the last one. */
  readonly next: string | null;
  /** Position up to which the documents of this page are complete. */
  readonly checkpoint: Checkpoint;
}

/** Whether a projection can be read and is kept up to date. */
export type ProjectionState =
  /** Never built: reads throw {@linkcode ProjectionNotBuiltError}. */
  | "absent"
  /** Never built, and being built for the first time: reads throw as well. */
  | "building"
  /** Served and kept up to date. */
  | "ready"
  /** Served as it was built; not updated, since the definition changed. Rebuild it. */
  | "stale"
  /** Served; not updated, since the definition failed on an event. Retried with back-off. */
  | "faulted"
  /** Its files are missing or damaged: reads throw. Rebuild it. */
  | "damaged";

/** Why a projection stands still. */
export interface ProjectionFault {
  /** The event it failed on. */
  readonly position: Position;
  /** That event's type. */
  readonly eventType: string;
  /** What happened. */
  readonly message: string;
  /** When it failed last, ISO 8601. */
  readonly at: string;
  /** Failed attempts in a row. */
  readonly attempts: number;
  /** When it is tried again, ISO 8601; `null` if only when an operator asks for it. */
  readonly retryAt: string | null;
}

/** An event that a projection passed over. Plain JSON. */
export interface DeadLetter {
  /** The event. */
  readonly position: Position;
  /** That event's type. */
  readonly eventType: string;
  /** The document that it was passed over for, or `null` for the whole projection. */
  readonly key: string | null;
  /**
   * `"failed"`: the code failed on it, and the policy is `"skip"` or `"quarantine"`; `"ordered"`:
   * an operator ordered it.
   */
  readonly reason: "failed" | "ordered";
  /** What happened. */
  readonly message: string;
  /** When this generation passed it over, ISO 8601. */
  readonly at: string;
}

/** Who keeps a projection up to date: of several processes one does, and the others stand by. */
export interface ProjectionOwner {
  /** Its process, or `null` when it is just taking over. */
  readonly pid: number | null;
  /** Since when, ISO 8601, or `null` likewise. */
  readonly since: string | null;
  /** Whether it is the store that was asked. */
  readonly isSelf: boolean;
}

/**
 * What a generation is: the one that serves, the one that served before and can be gone back to,
 * one under construction, or a complete one that waits to be promoted.
 */
export type GenerationRole =
  | "current"
  | "previous"
  | "building"
  | "awaitingPromotion";

/** One generation of a projection. Plain JSON. */
export interface ProjectionGeneration {
  /** Its number: 1, 2, 3 … A newer one has a greater number. */
  readonly number: number;
  /** What it is. */
  readonly role: GenerationRole;
  /** Version of the definition that it is built with. */
  readonly version: number;
  /** Fingerprint of that definition. */
  readonly fingerprint: string;
  /** Position up to which it has applied the log. */
  readonly checkpoint: Checkpoint;
  /** Number of documents. */
  readonly documents: number;
  /** Size of its file in bytes. */
  readonly bytes: number;
  /** When it was complete and swapped in, ISO 8601, or `null` before. */
  readonly builtAt: string | null;
}

/** How one projection stands. Plain JSON. */
export interface ProjectionInfo extends ProjectionBuildInfo {
  /** The projection. */
  readonly name: string;
  /** Whether it can be read and is kept up to date. */
  readonly state: ProjectionState;
  /** Number of the generation that serves, or `null`. */
  readonly generation: number | null;
  /** Number of the generation that served before it, kept for going back, or `null`. */
  readonly previousGeneration: number | null;
  /**
   * When an operator went back to an older generation, ISO 8601, or `null`. Until the definition
   * changes, it is rebuilt only when asked for by name or with `forceRebuild`.
   */
  readonly rolledBackAt: string | null;
  /** Version of the definition that is registered. */
  readonly version: number;
  /** Version of the definition that the serving generation was built with, or `null`. */
  readonly builtVersion: number | null;
  /**
   * Fingerprint of the definition that is registered: a hash of its code, or its own
   * `fingerprint`, with the error policy.
   */
  readonly fingerprint: string;
  /**
   * Fingerprint of the definition that the serving generation was built with, or `null`. When
   * version or fingerprint differ, the projection is *stale*.
   */
  readonly builtFingerprint: string | null;
  /** Position up to which the log is applied; 0 when absent. */
  readonly checkpoint: Checkpoint;
  /** Events in the log after the checkpoint. */
  readonly lag: number;
  /** Number of documents; 0 when absent. */
  readonly documents: number;
  /** Size of the generation's file in bytes; 0 when absent. */
  readonly bytes: number;
  /** When the serving generation was built, ISO 8601, or `null`. */
  readonly builtAt: string | null;
  /** Why it stands still, or `null`. */
  readonly fault: ProjectionFault | null;
  /** Who keeps it up to date, or `null` when no daemon does. */
  readonly owner: ProjectionOwner | null;
  /** What becomes of events that the registered definition's code fails on. */
  readonly errorPolicy: ErrorPolicy;
  /** Events that the serving generation passed over, once for each document. */
  readonly deadLetters: number;
  /** The last that went wrong, in a build or a live update, also if it goes well since; or `null`. */
  readonly lastError: ProjectionLastError | null;
}

/** What to wait for. */
export interface WaitOptions {
  /** These projections only. @default {all that are registered} */
  readonly names?: readonly string[];
  /** Gives up by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads documents. Every read comes from one complete generation, never from one under
 * construction.
 *
 * All methods throw {@linkcode UnknownProjectionError} for a name that is not registered, and the
 * reads of documents {@linkcode ProjectionNotBuiltError} or {@linkcode ProjectionDamagedError}
 * when there is nothing to read from.
 */
export interface Projections {
  /** The registered names, sorted. */
  readonly names: readonly string[];

  /** One document, or `undefined`. */
  get<State = unknown>(name: string, key: string): Promise<State | undefined>;

  /** The documents that exist among `keys`, by key. At most 10,000 keys. */
  getMany<State = unknown>(
    name: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, State>>;

  /** A page of documents in order of key. */
  list<State = unknown>(
    name: string,
    options?: PageOptions,
  ): Promise<DocumentPage<State>>;

  /** A page of the documents that bear `tag`, in order of key. */
  queryByTag<State = unknown>(
    name: string,
    tag: Tag,
    options?: PageOptions,
  ): Promise<DocumentPage<State>>;

  /** All documents in order of key, from one generation at one checkpoint. */
  documents<State = unknown>(
    name: string,
  ): AsyncIterable<ProjectionDocument<State>>;

  /**
   * The events that the serving generation passed over, in order of position and key. With the
   * policy `"quarantine"`, documents of these keys stand still.
   */
  deadLetters(name: string): Promise<readonly DeadLetter[]>;

  /**
   * The generations that there are, the oldest first: the one that serves, the one before it, and
   * one under construction. Those whose files are damaged are left out.
   */
  generations(name: string): Promise<readonly ProjectionGeneration[]>;

  /** How the projection stands. */
  info(name: string): Promise<ProjectionInfo>;

  /**
   * Resolves when the projections have applied the log up to `position`: to read what one just
   * wrote.
   */
  waitFor(position: Position, options?: WaitOptions): Promise<void>;
}
