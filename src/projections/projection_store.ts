/**
 * Where projections are kept: generations, of which one a projection is current. The interface
 * that the SQLite files implement, and that a database can. Types only.
 *
 * @module
 */
import type { Position, Tag } from "../events/event.ts";
import type { Checkpoint } from "./definition.ts";
import type { ProjectionCare } from "./mending.ts";
import type {
  DeadLetter,
  ProjectionGeneration,
  ProjectionOwner,
} from "./projections.ts";

/** What a generation was built by. A generation is only continued by the same. */
export interface BuildIdentity {
  /** The projection. */
  readonly projectionName: string;
  /** Version of its definition. */
  readonly version: number;
  /** Fingerprint of its definition. */
  readonly fingerprint: string;
  /** The event store whose events it holds. */
  readonly storeId: string;
}

/** How far a generation is. */
export interface GenerationStatus {
  /** Position up to which the log is applied. */
  readonly checkpoint: Checkpoint;
  /** Number of documents. */
  readonly documents: number;
  /** Events applied so far. */
  readonly eventsApplied: number;
  /** When it was completed, ISO 8601, or `null` while it is under construction. */
  readonly builtAt: string | null;
  /** Events that were passed over. */
  readonly deadLetters: number;
  /** Size in bytes. */
  readonly bytes: number;
}

/** A document as it is stored. */
export interface StoredDocument {
  /** The document's key. */
  readonly key: string;
  /** The document as JSON text. */
  readonly text: string;
}

/** Which stored documents. */
export interface PageRequest {
  /** Exclusive bound, or `undefined` for the first page. */
  readonly after: string | undefined;
  /** At most this many. */
  readonly limit: number;
  /** In descending order of key. */
  readonly backwards: boolean;
  /** Only documents that bear this tag. */
  readonly tag: Tag | undefined;
}

/** A stored page. */
export interface StoredPage {
  /** The documents in order of key. */
  readonly documents: readonly StoredDocument[];
  /** How far the generation was at that moment. */
  readonly checkpoint: Checkpoint;
}

/** One document's change. */
export interface DocumentChange {
  /** The document's key. */
  readonly key: string;
  /** The new document as JSON text, or `null` to delete it. */
  readonly text: string | null;
  /** Tags that it bears now and did not before. */
  readonly tagsAdded: readonly Tag[];
  /** Tags that it bore before and does not now. */
  readonly tagsRemoved: readonly Tag[];
}

/** A related event to keep. */
export interface RelatedChange {
  /** The event's tags, each once. */
  readonly tags: readonly Tag[];
  /** The event's position. */
  readonly position: Position;
  /** The event as JSON text. */
  readonly text: string;
}

/** Documents and related events to write. */
export interface StagedChanges {
  /** Documents, each key once between two commits. Read once. */
  readonly documents: Iterable<DocumentChange>;
  /** Related events. */
  readonly related: readonly RelatedChange[];
}

/** An event that was passed over, to be recorded. */
export type DeadLetterChange = Omit<DeadLetter, "at">;

/** What an operator, or the end of a process, says about events of a projection. */
export interface EventOrders {
  /** Positions to be passed over. */
  readonly skips: readonly Position[];
  /**
   * Positions of events whose code is suspected to have ended a process, and is not to be run; 0
   * stands for one that is not known.
   */
  readonly suspects: readonly Position[];
}

/** Everything that changes in one transaction. */
export interface GenerationChanges extends StagedChanges {
  /** Events that were passed over. One that is recorded already stays as it is. @default {none} */
  readonly deadLetters?: readonly DeadLetterChange[];
  /** Position up to which the log is applied once this is committed. */
  readonly checkpoint: Checkpoint;
  /** Id of the event at that position, if known. */
  readonly checkpointId?: string | undefined;
  /** Change in the number of documents. */
  readonly documentsDelta: number;
  /** Events applied since the last commit. */
  readonly eventsDelta: number;
}

/** One build of a projection. */
export interface Generation {
  /** Its number: 1, 2, 3 … */
  readonly number: number;
  /** What it was built by. */
  readonly identity: BuildIdentity;
  /** How far it is. */
  status(): Promise<GenerationStatus>;
  /** Documents by key; keys without one are left out. */
  getMany(keys: readonly string[]): Promise<Map<string, string>>;
  /** A page of documents. */
  page(request: PageRequest): Promise<StoredPage>;
  /** The events that were passed over, in order of position and key. */
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** What is ordered for builds of this identity. */
  orders(): Promise<EventOrders>;
  /** The related events kept under each tag, in order of position, as JSON text. */
  related(tags: readonly Tag[]): Promise<Map<Tag, string[]>>;
  /**
   * Writes a part of what the next commit makes permanent, so that it need not be held in memory
   * until then; after a crash it is gone. Only for a generation under construction.
   */
  stage(changes: StagedChanges): Promise<void>;
  /** Commits changes, with what was staged: all of it and the checkpoint, or nothing. */
  commit(changes: GenerationChanges): Promise<void>;
}

/** Where a generation under construction is. */
export interface GenerationLocation {
  /** Its number. */
  readonly number: number;
  /** The database file. */
  readonly file: string;
  /** The file within the data folder, for messages. */
  readonly displayName: string;
}

/**
 * What is noted down in a build, for whoever continues it: that it waits to be promoted, and what
 * came of comparing it, as JSON text.
 */
export type BuildNote = "awaiting" | "comparison";

/** A generation under construction, invisible to readers. */
export interface Build extends AsyncDisposable {
  /** The generation to write to: another object after {@linkcode lend}. */
  readonly generation: Generation;
  /** Whether it continues an earlier run. */
  readonly resumed: boolean;
  /**
   * Lets someone else write to the generation, in another thread, and takes it back when the
   * action is over.
   *
   * @throws {ProjectionDamagedError} If it cannot be opened again.
   */
  lend<T>(action: (location: GenerationLocation) => Promise<T>): Promise<T>;
  /** What was noted down in it, or `undefined`. */
  readNote(note: BuildNote): string | undefined;
  /** Notes something down in it, durably. Not between two commits. */
  writeNote(note: BuildNote, text: string): void;
  /**
   * All documents in order of key, as they are at the first pull. Nothing may be committed before
   * the loop is left.
   */
  snapshot(): AsyncIterable<StoredDocument>;
  /** Does what completing takes longest, so that it need not be done with the lock held. */
  prepare(): void;
  /**
   * Completes the generation and makes it the current one, atomically and durably. Call it with
   * the projection's live lock held.
   */
  swapIn(): Promise<void>;
  /** Deletes the generation. Without this or `swapIn` it is kept, to be continued later. */
  discard(): Promise<void>;
}

/** How to begin a build. */
export interface BeginOptions {
  /** Continue an interrupted build of the same identity, if there is one. */
  readonly resume: boolean;
  /**
   * Begin one that waits to be promoted, or continue only such a one: what nobody promoted must
   * not be swapped in by whoever comes next. @default {false}
   */
  readonly manual?: boolean;
}

/** An operator's decision to serve an older generation, and what it was taken against. */
export interface RolledBack {
  /** When, ISO 8601. */
  readonly at: string;
  /** Version of the definition that was registered then. */
  readonly version: number;
  /** Its fingerprint. */
  readonly fingerprint: string;
  /** Tells it from every other one, whatever clocks say. Left out by earlier versions. */
  readonly id?: string;
}

/** Which generations a projection has. */
export interface GenerationNumbers {
  /** The one that serves, or `null`. */
  readonly current: number | null;
  /** The one that served before it, kept for going back, or `null`. */
  readonly previous: number | null;
  /** The decision to serve an older one, or `null`. */
  readonly rolledBack: RolledBack | null;
}

/** Keeps the generations of all projections of one event store. */
export interface ProjectionStore extends AsyncDisposable {
  /** Which generations there are. */
  numbers(name: string): Promise<GenerationNumbers>;

  /**
   * Runs `action` on the current generation, which stays open until it is done even when another
   * is swapped in meanwhile.
   *
   * @throws {ProjectionNotBuiltError} If there is none.
   * @throws {ProjectionDamagedError} If its files are missing or damaged.
   */
  withCurrent<T>(
    name: string,
    action: (generation: Generation) => Promise<T>,
  ): Promise<T>;

  /** Whether {@linkcode withCurrent} has nothing to open first, as far as is known at once. */
  isOpen(name: string): boolean;

  /**
   * As {@linkcode withCurrent}, to change the generation: call it with the live lock held. While
   * a commit goes on, which may let other work run, readers see what was there before.
   */
  changeCurrent<T>(
    name: string,
    action: (generation: Generation) => Promise<T>,
  ): Promise<T>;

  /**
   * Calls `listener` when damage is found in a projection's current generation: from then on it is
   * refused. Dispose the returned object to stop.
   */
  onDamage(listener: (name: string) => void): Disposable;

  /**
   * All documents of the current generation in order of key, at one checkpoint, whatever is
   * committed or swapped in meanwhile. Throws as {@linkcode withCurrent} does.
   */
  snapshot(name: string): AsyncIterable<StoredDocument>;

  /** Begins a build, or continues an interrupted one. Call it with the build lock held. */
  begin(identity: BuildIdentity, options: BeginOptions): Promise<Build>;

  /** Every generation there is and how far it is, the oldest first; those that cannot be read are left out. */
  generations(name: string): Promise<readonly ProjectionGeneration[]>;

  /**
   * Makes the previous generation the current one and the other way round, atomically and durably;
   * what was being built is deleted. Call it with the build lock and the live lock held.
   *
   * @param identity What the registered definition builds.
   * @throws {ProjectionRollbackError} If there is no previous one, or it cannot be served.
   */
  rollBack(identity: BuildIdentity): Promise<void>;

  /** Finds what is damaged, and mends it. */
  readonly care: ProjectionCare;

  /**
   * Whether a build of that identity was interrupted and can be continued: nobody is at it. Looks
   * with the build lock held, and not longer. One that waits to be promoted does not count.
   */
  hasInterruptedBuild(identity: BuildIdentity): Promise<boolean>;

  /**
   * Takes the lock under which the current generation is changed or switched. Waits for 30 s
   * unless told how long.
   *
   * @throws {LockTimeoutError} If another process holds it for too long.
   */
  lockLive(
    name: string,
    signal?: AbortSignal,
    timeoutMs?: number,
  ): Promise<Disposable>;

  /** Takes that lock, or returns `undefined` if it is taken. */
  tryLockLive(name: string): Disposable | undefined;

  /**
   * Takes the lock under which a projection is built, or returns `undefined` if it is taken.
   * Others are told of the operation that it is taken for.
   */
  tryLockBuild(name: string, operationId?: string): Disposable | undefined;

  /**
   * The operation that whoever holds the build lock took it for; `null` when it does not say, or
   * nobody holds it.
   */
  operationBuilding(name: string): string | null;

  /**
   * Becomes the one who keeps the projection up to date, for life, or returns `undefined` while
   * that is somebody else. It spares the others the work; what is right, the live lock decides.
   */
  tryOwn(name: string): Disposable | undefined;

  /** Who that is, or `null` when nobody is. */
  owner(name: string): ProjectionOwner | null;
}
