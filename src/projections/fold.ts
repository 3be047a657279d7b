/**
 * The fold: the one piece of code that turns events into documents, live and in rebuilds alike.
 * That both run through here, one transaction a commit, is why what is rebuilt equals what was
 * kept up to date.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { EventBatch } from "../events/event_store.ts";
import type { ProjectionWatch } from "./code_watch.ts";
import type { ProjectionDefinition } from "./definition.ts";
import { type ApplyLocation, DefinitionCode } from "./definition_code.ts";
import { applyCarefully, ATTEMPTS, DeadLetters } from "./dead_letters.ts";
import { documentChanges } from "./document_changes.ts";
import { asFailure, type FoldTask, needsOf, toTask } from "./fold_task.ts";
import { FoldCache, lastEventOf } from "./fold_cache.ts";
import { FoldProgress } from "./fold_progress.ts";
import { KeyGuesses } from "./key_guess.ts";
import { type KeyParts, type PartBatch, WHOLE } from "./key_parts.ts";
import type { DocumentChange, Generation } from "./projection_store.ts";
import { RelatedEvents } from "./related_events.ts";

const NO_EVENTS: readonly never[] = Object.freeze([]);

/** How a fold goes about it. */
export interface FoldOptions {
  /** Position up to which the generation has applied the log. */
  readonly checkpoint: Position;
  /**
   * Called now and then during long work; what it throws ends the work. @default {does nothing}
   */
  readonly throwIfStopped?: () => void;
  /**
   * For a generation under construction: related events are written as they go by, and at most
   * so many bytes of them are held. Left out for live updates, which write with the commit.
   */
  readonly relatedBytesMax?: number;
  /** Told when the definition's code runs. @default {nobody} */
  readonly watch?: ProjectionWatch | undefined;
}

/**
 * Folds events into a generation. Nothing is there to stay before {@linkcode Fold.flush}.
 *
 * Documents that do not fit in memory are folded part by part: {@linkcode Fold.divide}, then
 * {@linkcode Fold.pass} for what is put aside, then for each part {@linkcode Fold.openPart},
 * {@linkcode Fold.applyToPart} and {@linkcode Fold.writePart}, and a flush.
 *
 * After an error the fold is of no use any more: begin another one from the generation's
 * checkpoint.
 */
export class Fold {
  readonly #code: DefinitionCode;
  readonly #generation: Generation;
  readonly #options: FoldOptions;
  /** To one text a type: the last one of each document is held, and texts take memory. */
  readonly #eventTypes: ReadonlyMap<string, string>;
  readonly #relatedTypes: ReadonlySet<string>;
  readonly #cache: FoldCache;
  readonly #related: RelatedEvents;
  /** The events that are passed over. */
  readonly deadLetters: DeadLetters;
  readonly #guesses = new KeyGuesses();
  #parts: KeyParts = WHOLE;
  #part = 0;
  #documentsDelta = 0;
  #eventsDelta = 0;
  readonly #progress: FoldProgress;
  #eventsApplied = 0;

  /**
   * @param definition The projection.
   * @param generation Where it goes.
   * @param options Where it starts, and its bounds.
   */
  constructor(
    definition: ProjectionDefinition,
    generation: Generation,
    options: FoldOptions,
  ) {
    const { checkpoint, relatedBytesMax: bytesMax } = options;
    this.deadLetters = new DeadLetters(definition, generation);
    this.#code = new DefinitionCode(definition, {
      attempts: this.deadLetters.isCareful ? ATTEMPTS : 1,
      watch: options.watch,
    });
    this.#generation = generation;
    this.#options = options;
    this.#eventTypes = new Map(
      definition.eventTypes.map((type) => [type, type]),
    );
    this.#relatedTypes = new Set(definition.related?.eventTypes ?? []);
    const complete = checkpoint === 0;
    this.#cache = new FoldCache(complete, {
      keepsTexts: this.deadLetters.isCareful,
    });
    this.#related = new RelatedEvents(generation, { complete, bytesMax });
    this.#progress = new FoldProgress(checkpoint);
  }

  /** Every event up to this position is folded or put aside, if not yet stored. */
  get checkpoint(): Position {
    return this.#progress.position;
  }

  /** Events applied by this fold. */
  get eventsApplied(): number {
    return this.#eventsApplied;
  }

  /** Estimate of the memory held by documents, in bytes. */
  get bytes(): number {
    return this.#cache.bytes;
  }

  /** Estimate of all memory held, in bytes: with related events and what is not written yet. */
  get heldBytes(): number {
    return this.#cache.bytes + this.#related.bytes;
  }

  /** Whether events of a type change documents. */
  applies(type: string): boolean {
    return this.#eventTypes.has(type);
  }

  /** Whether events of a type are kept for later ones. */
  keeps(type: string): boolean {
    return this.#relatedTypes.has(type);
  }

  /**
   * Folds a batch that continues where the last one ended. Events at or before the checkpoint
   * are passed over, so a batch may overlap what is folded already.
   *
   * @param batch Events, frozen by {@linkcode freezeEvents}.
   * @throws {ProjectionApplyError} If the definition's code fails on an event.
   */
  async apply(batch: EventBatch): Promise<void> {
    const { events, bytes, through, throughId } = batch;
    const isNew = ({ position }: StoredEvent) =>
      position > this.#progress.position;
    await this.#run(events, bytes / Math.max(events.length, 1), isNew);
    this.#cache.calibrate();
    this.#progress.advance(through, throughId);
  }

  /** Stores what was folded, with the checkpoint, in one transaction. */
  async flush(): Promise<void> {
    if (this.#progress.isCommitted) return;
    await this.#generation.commit({
      documents: this.#changes(),
      related: this.#related.takeUnwritten(),
      deadLetters: this.deadLetters.takeUnwritten(),
      checkpoint: this.#progress.position,
      checkpointId: this.#progress.id,
      documentsDelta: this.#documentsDelta,
      eventsDelta: this.#eventsDelta,
    });
    this.#documentsDelta = 0;
    this.#eventsDelta = 0;
    this.#progress.commit();
  }

  /** After a flush, lets go of the longest held beyond so many bytes. */
  shed(bytesMax: number): void {
    // Related events are small beside the documents that they are needed for.
    if (this.#related.bytes > bytesMax / 2) this.#related.forget();
    this.#cache.shed(bytesMax - this.#related.bytes);
  }

  /** Divides the documents: from now on events are put aside instead of being folded at once. */
  divide(parts: KeyParts): void {
    this.#parts = parts;
    this.#cache.divide(
      parts,
      (document) => this.#code.text(document.state, lastEventOf(document)),
    );
  }

  /**
   * The keys of an event that is to be put aside; none for one that was folded already.
   *
   * @param event The event, frozen.
   * @returns The keys whose documents it changes.
   * @throws {ProjectionApplyError} If the definition's code fails on the event.
   */
  keysOf(event: StoredEvent): readonly string[] {
    const isOver = event.position <= this.#progress.position;
    if (isOver || this.deadLetters.passesOver(event)) return NO_EVENTS;
    try {
      const keys = this.#code.keys(event);
      if (keys.length > 0) this.#count();
      return keys;
    } catch (error) {
      this.deadLetters.add(asFailure(error), event, null);
      return NO_EVENTS;
    }
  }

  /** The guess which field of the data of a type's events is their key. */
  guessOf(type: string): string | undefined {
    return this.#guesses.fieldOf(type);
  }

  /**
   * Takes note of an event that is to be put aside by its guessed key.
   *
   * @param event The event.
   * @returns Whether it is to be put aside; not if it was folded already, or is passed over.
   */
  guessed(event: ApplyLocation): boolean {
    const isNew = event.position > this.#progress.position &&
      !this.deadLetters.passesOver(event);
    if (isNew) this.#count();
    return isNew;
  }

  /** Keeps an event, of which the text is at hand, for later ones while it goes by. */
  keep(event: StoredEvent, text: string): void {
    if (event.position > this.#progress.position) {
      this.#related.keep(event, text);
    }
  }

  /** Takes note that everything up to a position was put aside. */
  async pass(through: Position, throughId?: string): Promise<void> {
    await this.#related.write();
    await this.#related.trim();
    this.#progress.advance(through, throughId);
  }

  /** Goes on to a part: its documents are in memory, and those of the others are not. */
  openPart(part: number): void {
    this.#part = part;
    this.#cache.openPart(part);
  }

  /**
   * Folds events that were put aside into the documents of the open part.
   *
   * @param batch In order of position, frozen.
   * @throws {ProjectionApplyError} If the definition's code fails on an event.
   * @throws {MisguessedKeyError} If a guess was wrong.
   */
  async applyToPart({ events, guessed, bytes }: PartBatch): Promise<void> {
    await this.#run(
      events,
      bytes / Math.max(events.length, 1),
      (event, index) => {
        if (guessed[index]) {
          this.#guesses.assertRight(event, () => this.#code.keys(event));
        }
        return true;
      },
    );
  }

  /** Writes the documents of the open part and lets go of them. */
  async writePart(): Promise<void> {
    const related = this.#related.takeUnwritten();
    // Nothing is begun that no commit would end: a fold may have nothing to do in this pass.
    if (this.#cache.isDirty || related.length > 0) {
      await this.#generation.stage({ documents: this.#changes(), related });
    }
    this.#cache.closePart();
  }

  /** Ends the division, after a flush: what comes next is folded at once, as far as it fits. */
  unite(): void {
    this.#parts = WHOLE;
    this.#part = 0;
    this.#cache.unite();
  }

  async #run(
    events: readonly StoredEvent[],
    bytesPerEvent: number,
    accepts: (event: StoredEvent, index: number) => boolean,
  ): Promise<void> {
    this.#options.throwIfStopped?.();
    await this.deadLetters.load();
    if (this.#cache.complete && this.#related.isComplete) {
      // Nothing is in the generation that is not in memory, as in most builds.
      for (let i = 0; i < events.length; i++) {
        const event = events[i] as StoredEvent;
        if (accepts(event, i)) this.#fold(this.#plan(event), bytesPerEvent);
      }
    } else {
      const tasks = events.filter(accepts).map((event) => this.#plan(event));
      await this.#load(tasks);
      for (const task of tasks) this.#fold(task, bytesPerEvent);
    }
    await this.#related.write();
    await this.#related.trim();
  }

  #plan(event: StoredEvent): FoldTask {
    const { type } = event;
    // What was put aside was kept when it went by.
    const isWhole = this.#parts === WHOLE;
    const keep = isWhole && this.#relatedTypes.has(type);
    const task = toTask(event, keep);
    if (!this.#eventTypes.has(type)) return task;
    if (isWhole && this.deadLetters.passesOver(event)) return task;
    try {
      task.keys = this.#code.keys(event);
      if (isWhole) this.#guesses.observe(event, task.keys);
      // A single one is of this part, or the event would not be here.
      else if (task.keys.length > 1) {
        task.keys = task.keys.filter((key) =>
          this.#parts.of(key) === this.#part
        );
      }
      if (task.keys.length > 0) {
        task.relatedTags = this.#code.relatedTags(event);
      }
    } catch (error) {
      task.failure = asFailure(error);
    }
    return task;
  }

  /** Brings in what the tasks need and the cache does not hold. */
  async #load(tasks: readonly FoldTask[]): Promise<void> {
    const cache = this.#cache;
    const { keys, wanted, kept } = needsOf(tasks, cache.documents);
    if (!cache.complete && keys.size > 0) {
      const texts = await this.#generation.getMany([...keys]);
      for (const key of keys) this.#addDocument(key, texts.get(key));
    }
    await this.#related.load(wanted, kept);
  }

  #addDocument(key: string, text: string | undefined): void {
    const document = this.#cache.addDocument(key, text, NO_EVENTS);
    if (text === undefined) return;
    document.persistedTags = this.#code.tags(document.state, key, undefined);
  }

  #fold(task: FoldTask, bytesPerEvent: number): void {
    const { event, keys, relatedTags, keep, failure } = task;
    // Only now: one before it may have failed as well, and came first.
    if (failure && keys.length === 0) {
      this.deadLetters.add(failure, event, null);
    }
    if (keys.length > 0) {
      const related = relatedTags.length === 0
        ? NO_EVENTS
        : this.#related.find(relatedTags, event.position);
      for (const key of keys) {
        if (this.deadLetters.isQuarantined(key)) continue;
        if (failure) this.deadLetters.add(failure, event, key);
        else this.#applyTo(key, event, related, bytesPerEvent);
      }
      // One that was put aside was counted then: it may concern several parts.
      if (this.#parts === WHOLE) this.#count();
    }
    // After it was applied: an event is never related to itself.
    if (keep) this.#related.keep(event);
  }

  #count(): void {
    this.#eventsDelta++;
    this.#eventsApplied++;
  }

  #applyTo(
    key: string,
    event: StoredEvent,
    related: readonly StoredEvent[],
    bytesPerEvent: number,
  ): void {
    const document = this.#cache.documents.get(key) ??
      this.#cache.addDocument(key, undefined, NO_EVENTS);
    const existed = document.state !== undefined;
    const context = { key, related };
    if (this.deadLetters.isCareful) {
      try {
        applyCarefully(this.#code, document, event, context);
      } catch (error) {
        this.deadLetters.add(asFailure(error), event, key);
        return;
      }
      this.#cache.reweigh(key, document, document.text?.length ?? 0);
    } else {
      document.state = this.#code.apply(document.state, event, context);
      this.#cache.grow(document, bytesPerEvent);
    }
    this.#cache.markDirty(key, document);
    document.lastPosition = event.position;
    document.lastType = this.#eventTypes.get(event.type);
    this.#documentsDelta += Number(document.state !== undefined) -
      Number(existed);
  }

  #changes(): Generator<DocumentChange> {
    return documentChanges(this.#cache, this.#code, this.#options);
  }
}
