/**
 * Mending single documents of the generation that serves: what of it is looked at, and how it is
 * changed. Types only.
 *
 * @module
 */
import type { Position, Tag } from "../events/event.ts";
import type { Checkpoint } from "./definition.ts";
import type {
  BuildIdentity,
  DocumentChange,
  Generation,
} from "./projection_store.ts";
import type { ScrubbedGenerations } from "./generation_scrub.ts";
import type { DeadLetter } from "./projections.ts";

/** A row of a table as it is found, sound or not. */
export interface FoundRow {
  /** Its number in the table. */
  readonly row: number;
  /** The document's key. */
  readonly key: string;
}

/** A document as it is found. */
export interface FoundDocument extends FoundRow {
  /** Its text. */
  readonly text: string;
  /** Whether it is what was written. */
  readonly isSound: boolean;
}

/** A tag of a document as it is found. */
export interface FoundTag extends FoundRow {
  readonly tag: Tag;
}

/** A related event as it is found. */
export interface FoundEvent {
  readonly position: Position;
  /** The event as JSON text. */
  readonly text: string;
}

/**
 * A generation as it is at one moment, whatever is committed meanwhile. What is asked for is
 * looked at piece by piece, and others run in between.
 *
 * Everything throws {@linkcode IrreparableError} for what single documents cannot be blamed for:
 * a row that is not found by its key, or a related event that is not what was written.
 */
export interface Look extends Disposable {
  /** Position up to which the generation has applied the log. */
  readonly checkpoint: Checkpoint;
  /** How many documents it says that it has. */
  readonly documentCount: number;
  /** All documents. */
  documents(): AsyncIterable<FoundDocument>;
  /** All documents without their texts: far less is read. */
  rows(): AsyncIterable<FoundRow>;
  /** All tags of documents. */
  tags(): AsyncIterable<FoundTag>;
  /** All related events. */
  related(): AsyncIterable<FoundEvent>;
  /** How many tags of related events there are. */
  countRelatedTags(): Promise<number>;
  /** Whether a related event is found by a tag. */
  isRelated(tag: Tag, position: Position): boolean;
  /** The number of the row of a key's document. */
  rowOf(key: string): number | undefined;
  /** The document of a key. */
  find(key: string): FoundDocument | undefined;
  /** Whether a document is found by a tag. */
  isTagged(tag: Tag, key: string): boolean;
}

/** What single documents are changed to, all in one transaction. */
export interface MendingChanges {
  /** Read one by one while they are written: together they may be larger than the memory. */
  readonly documents: AsyncIterable<DocumentChange>;
  /** The events that were passed over for these keys; those recorded so far are forgotten. */
  readonly deadLetters: readonly Omit<DeadLetter, "at">[];
  /** The keys that dead letters are given for. */
  readonly keys: readonly string[];
  /** Whether nothing is wrong with the generation from then on. */
  readonly isSound: boolean;
}

/** A generation aside, for what is compared with the one that serves. */
export interface Scratch {
  /** The generation. It follows the same orders. */
  readonly generation: Generation;
  /** Looks at what was committed to it. Dispose it before the next commit. */
  look(): Look;
}

/** A generation that is being mended. */
export interface Mending extends Disposable {
  /** Its number. */
  readonly number: number;
  /** What it was built by. */
  readonly identity: BuildIdentity;
  /** What was found to be wrong with it before, or `undefined`. */
  readonly damage: string | undefined;
  /** Looks at it as it is now. Dispose it soon: what is committed meanwhile takes room. */
  look(): Look;
  /** The events that it passed over. */
  deadLetters(): readonly DeadLetter[];
  /** An empty generation aside, deleted with this one. */
  scratch(): Scratch;
  /**
   * Changes documents. Call it with the live lock held: the checkpoint stays, and whoever holds
   * anything of the generation in memory, in whichever process, lets go of it.
   */
  commit(changes: MendingChanges): Promise<void>;
}

/** Finds what is damaged of the projections of a store, and mends it. */
export interface ProjectionCare {
  /**
   * Opens the current generation to mend documents in it, also when it was found to be damaged.
   * Call it with the build lock held, and dispose what it returns before that.
   *
   * @throws {ProjectionNotBuiltError} If there is none.
   * @throws {ProjectionDamagedError} If its files are missing or of no use.
   */
  mend(name: string): Promise<Mending>;

  /**
   * Looks for damage in all that is kept of a projection, whatever is committed or switched
   * meanwhile. One that is kept for going back is marked; about the current one see
   * {@linkcode condemn}.
   *
   * @param rest Called after each piece of work; what it throws ends the work.
   * @param onChecked Told how many documents of a generation were looked at, of how many.
   */
  scrub(
    name: string,
    rest: () => Promise<void>,
    onChecked?: (checked: number, documents: number) => void,
  ): Promise<ScrubbedGenerations>;

  /**
   * Takes note that a projection's current generation is damaged: from then on it is refused, by
   * this process and by those that open it later, until it is mended or rebuilt.
   *
   * @param what What was found; no keys and no documents.
   */
  condemn(name: string, what: string): void;
}

/** Something is wrong with a generation that cannot be mended document by document. */
export class IrreparableError extends Error {
  override readonly name = "IrreparableError";
}
