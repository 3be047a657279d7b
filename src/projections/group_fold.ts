/**
 * Folds one pass over the log into several projections under construction. Each event is parsed
 * once for all of them.
 *
 * Documents are folded in memory while they fit. From then on events are only put aside, by key
 * (see {@linkcode EventSpill}), and at the end of the pass one part of the keys after the other
 * is folded: every document is completed in one go, while it is near, and written once. That
 * bounds the memory whatever the number of keys, and is no slower than folding them all at once.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { UnparsedBatch, UnparsedEvent } from "../events/event_store.ts";
import { EventSpill, SPILL_PARTS, type SpillMask } from "./event_spill.ts";
import type { Fold } from "./fold.ts";
import { freezeEvents } from "./freeze_events.ts";
import {
  GUESSED,
  type GuessedPlaces,
  guessPlaces,
  type Place,
  putAside,
  putAsideUnparsed,
} from "./put_aside.ts";

/** Documents that fit into this are folded at once, however much memory there is. */
const DIRECT_BYTES_MAX = 8 * 1_024 * 1_024;

/** When this much is put aside, it is folded and stored before the pass goes on. */
const SPILL_BYTES_MAX = 4 * 1_024 * 1_024 * 1_024;

/** The share of the work that lies in putting events aside, about. */
const SPILL_SHARE = 0.4;

/** Events of a part that are folded at a time, and their bytes, about. */
const PART_BATCH = 1_000;
const PART_BYTES = 8 * 1_024 * 1_024;

/**
 * A flush stores every document that changed since the last one, which late in a build is nearly
 * all of them: so many times its duration passes before the next.
 */
const FLUSH_INTERVAL_FACTOR = 10;

/**
 * While events are put aside a flush has to go through all documents, and later ones read them
 * back: it comes so many times as seldom.
 */
const SPILL_INTERVAL_FACTOR = 6;

/** A projection that takes part. */
export interface GroupMember {
  /** Its fold. */
  readonly fold: Fold;
  /** Whether it still takes part. */
  readonly isRunning: boolean;
  /** Ends it: its code failed, or it is to stop. Must not throw. */
  fail(error: unknown): Promise<void>;
  /**
   * Told up to which position the work is done, about: what was put aside counts in part until
   * it is folded. Never less than the last time.
   */
  progress(worked: Position): void;
  /** Told when it begins to be stored; what it returns, when it is. @default {nobody asks} */
  readonly flushing?: (() => () => void) | undefined;
}

/** What a group needs. */
export interface GroupFoldOptions {
  /** At most {@linkcode GROUP_SIZE_MAX}. */
  readonly members: readonly GroupMember[];
  /** Memory for all of them, in bytes. */
  readonly memoryBytesMax: number;
  /** How often what is folded is stored, in milliseconds. */
  readonly checkpointInterval: number;
  /** Where the pass begins, exclusive. */
  readonly after: Position;
  /** Where the pass ends; after its beginning. */
  readonly upTo: Position;
  /** Measures time, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Whether to guess keys from the texts of events, to spare parsing. */
  readonly guessKeys: boolean;
  /** Makes the file for what is put aside. */
  readonly openSpill: () => EventSpill;
  /** Lets others run. */
  readonly breathe: () => Promise<void>;
}

/** One member, and its place. */
interface MemberPlace extends Place {
  readonly member: GroupMember;
  /** Where it began, which may be ahead of the pass. */
  readonly after: Position;
}

/** Folds a pass into a group of projections. Dispose it when the pass is over, however. */
export class GroupFold implements Disposable {
  readonly #options: GroupFoldOptions;
  readonly #places: readonly MemberPlace[];
  readonly #routes = new Map<string, readonly MemberPlace[]>();
  readonly #guesses = new Map<string, readonly GuessedPlaces[]>();
  #spill: EventSpill | undefined;
  /** How far the pass has come; a member may have begun ahead of it. */
  #through: Position;
  /** From where on events were put aside, while they are. */
  #divided: Position = 0;
  #flushedMs: number;
  #flushDurationMs = 0;

  /** @param options What it needs. */
  constructor(options: GroupFoldOptions) {
    this.#options = options;
    this.#through = options.after;
    this.#flushedMs = options.monotonicMs();
    this.#places = options.members.map((member, index) => ({
      member,
      fold: member.fold,
      after: member.fold.checkpoint,
      bit: 1 << index,
    }));
  }

  /**
   * Takes the next batch of the pass.
   *
   * @param batch The events that any of the members wants.
   */
  async apply(batch: UnparsedBatch): Promise<void> {
    if (this.#spill) await this.#putAside(batch, this.#spill);
    else await this.#fold(batch);
    this.#through = batch.through;
    this.#report(0);
    const spilled = this.#spill?.bytes ?? 0;
    if (spilled > SPILL_BYTES_MAX || this.#isFlushDue()) await this.#store();
    else if (!this.#spill && this.#documentBytes() > this.#directBytesMax()) {
      await this.#divide();
    }
  }

  /** Ends the pass: everything is folded and stored. */
  async finish(): Promise<void> {
    await this.#store();
  }

  /** Deletes what was put aside. */
  [Symbol.dispose](): void {
    this.#spill?.[Symbol.dispose]();
    this.#spill = undefined;
  }

  /** Folds a batch at once. */
  async #fold({ events: unparsed, ...rest }: UnparsedBatch) {
    const events: StoredEvent[] = [];
    for (const event of unparsed) {
      if (this.#routeOf(event).length > 0) events.push(event.parse());
    }
    freezeEvents(events);
    for (const place of this.#running()) {
      await this.#guard(
        place,
        () => place.fold.apply({ events, ...rest }),
      );
      await this.#options.breathe();
    }
  }

  /** From now on events are put aside. */
  async #divide(): Promise<void> {
    this.#spill = this.#options.openSpill();
    this.#divided = this.#through;
    const parts = { count: SPILL_PARTS, of: EventSpill.partOf };
    for (const place of this.#running()) {
      // deno-lint-ignore require-await -- turns what is thrown into a rejection
      await this.#guard(place, async () => place.fold.divide(parts));
    }
  }

  async #putAside(
    { events, through, throughId }: UnparsedBatch,
    spill: EventSpill,
  ): Promise<void> {
    const failures = new Map<MemberPlace, unknown>();
    for (const unparsed of events) {
      const route = this.#routeOf(unparsed);
      if (route.length === 0) continue;
      if (putAsideUnparsed(unparsed, this.#guessOf(unparsed, route), spill)) {
        continue;
      }
      const event = unparsed.parse();
      freezeEvents([event]);
      putAside({ unparsed, event, route, spill, failures });
    }
    for (const [{ member }, error] of failures) await member.fail(error);
    if (failures.size > 0) this.#forgetRoutes();
    for (const place of this.#running()) {
      await this.#guard(place, () => place.fold.pass(through, throughId));
    }
    await this.#options.breathe();
  }

  /** Folds what was put aside, stores everything, and starts afresh. */
  async #store(): Promise<void> {
    const { monotonicMs } = this.#options;
    const startedMs = monotonicMs();
    const begun = new Map<MemberPlace, (() => void) | undefined>();
    if (this.#spill) {
      // Its documents are written part by part.
      for (const place of this.#running()) {
        begun.set(place, place.member.flushing?.());
      }
      await this.#foldParts(this.#spill);
    }
    for (const place of this.#running()) {
      const stored = begun.get(place) ?? place.member.flushing?.();
      await this.#guard(place, async () => {
        await place.fold.flush();
        stored?.();
      });
    }
    if (this.#spill) {
      for (const { fold } of this.#running()) fold.unite();
      this.#forgetRoutes();
      this[Symbol.dispose]();
    }
    this.#flushedMs = monotonicMs();
    this.#flushDurationMs = this.#flushedMs - startedMs;
  }

  async #foldParts(spill: EventSpill): Promise<void> {
    const { bytes } = spill;
    let folded = 0;
    const tell = (bytesFolded: number) => {
      folded += bytesFolded;
      this.#report(folded / bytes);
    };
    for (let part = 0; part < SPILL_PARTS; part++) {
      for (const { fold } of this.#running()) fold.openPart(part);
      await this.#foldPart(part, spill, tell);
      for (const place of this.#running()) {
        await this.#guard(place, () => place.fold.writePart());
      }
    }
    this.#report(1);
  }

  async #foldPart(
    part: number,
    spill: EventSpill,
    tell: (bytesFolded: number) => void,
  ): Promise<void> {
    let events: StoredEvent[] = [];
    let masks: SpillMask[] = [];
    let bytes = 0;
    let bytesRead = 0;
    const fold = async () => {
      freezeEvents(events);
      for (const place of this.#running()) {
        const own: StoredEvent[] = [];
        const guessed: boolean[] = [];
        for (const [index, event] of events.entries()) {
          const mask = masks[index] ?? 0;
          if ((mask & place.bit) === 0) continue;
          own.push(event);
          guessed.push((mask & GUESSED) !== 0);
        }
        const share = own.length / Math.max(events.length, 1);
        const batch = { events: own, guessed, bytes: bytes * share };
        await this.#guard(place, () => place.fold.applyToPart(batch));
      }
      events = [];
      masks = [];
      bytes = 0;
      if (bytesRead > 0) tell(bytesRead);
      bytesRead = 0;
      await this.#options.breathe();
    };
    const steps = spill.read(part, (mask, text) => {
      events.push(JSON.parse(text));
      masks.push(mask);
      bytes += text.length;
    });
    for (const read of steps) {
      bytesRead += read;
      if (events.length >= PART_BATCH || bytes >= PART_BYTES) await fold();
    }
    await fold();
  }

  /** Who wants an event of that type, and still takes part. */
  #routeOf({ type }: UnparsedEvent): readonly MemberPlace[] {
    let route = this.#routes.get(type);
    if (!route) {
      route = this.#running().filter(({ fold }) =>
        fold.applies(type) || fold.keeps(type)
      );
      this.#routes.set(type, route);
    }
    return route;
  }

  /** How to put events of that type aside without parsing them; `undefined` if that cannot be. */
  #guessOf(
    { type }: UnparsedEvent,
    route: readonly MemberPlace[],
  ): readonly GuessedPlaces[] | undefined {
    if (!this.#options.guessKeys) return undefined;
    let guess = this.#guesses.get(type);
    if (!guess) {
      guess = guessPlaces(type, route);
      this.#guesses.set(type, guess);
    }
    return guess.length > 0 ? guess : undefined;
  }

  #forgetRoutes(): void {
    this.#routes.clear();
    this.#guesses.clear();
  }

  #running(): readonly MemberPlace[] {
    return this.#places.filter(({ member }) => member.isRunning);
  }

  async #guard(
    { member }: MemberPlace,
    action: () => Promise<void>,
  ): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#forgetRoutes();
      await member.fail(error);
    }
  }

  #documentBytes(): number {
    return this.#running().reduce((sum, { fold }) => sum + fold.bytes, 0);
  }

  #directBytesMax(): number {
    return Math.min(this.#options.memoryBytesMax / 2, DIRECT_BYTES_MAX);
  }

  #isFlushDue(): boolean {
    const { checkpointInterval, monotonicMs } = this.#options;
    const intervalMs = Math.max(
      checkpointInterval * (this.#spill ? SPILL_INTERVAL_FACTOR : 1),
      this.#flushDurationMs * FLUSH_INTERVAL_FACTOR,
    );
    return monotonicMs() - this.#flushedMs >= intervalMs;
  }

  /** Tells how far everybody is, `folded` of what is put aside, 0 to 1, included. */
  #report(folded: number): void {
    const begun = this.#spill ? this.#divided : this.#through;
    // Putting events aside is about the smaller half of the work.
    const done = SPILL_SHARE + (1 - SPILL_SHARE) * folded;
    for (const { member, after } of this.#running()) {
      const from = Math.max(begun, after);
      const through = Math.max(this.#through, after);
      member.progress(from + (through - from) * done);
    }
  }
}
