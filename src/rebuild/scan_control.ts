/**
 * What the serving thread and a scanning worker share while the worker is busy and reads no
 * messages: signs of life and progress one way, stop and pause the other.
 *
 * @module
 */
import { FULL_PACE, type Pace } from "./pace.ts";
import type { PassProgress } from "./scan_pass.ts";

/** Indexes into the whole numbers. */
const PAUSED = 0;
const BEATS = 1;
/** The member at work, counted from 1; 0 before the first. */
const AT_WORK = 2;
/** Whether the database does something that takes long in one go. */
const STORING = 3;
/** How fast the pass may go: share of the time in thousandths, events a second or 0 for any. */
const PACE_SHARE = 4;
const PACE_EVENTS = 5;
/** Never set: resting waits on it, so that a stop can end it. */
const RESTING = 6;
const FIRST_STOP = 7;

/** Numbers a member reports. */
const POSITION = 0;
const EVENTS_APPLIED = 1;
const WORKED = 2;
const BYTES_READ = 3;
const NUMBERS_PER_MEMBER = 4;

/** Its numbers, and a stop flag that takes the place of one, so that all stay aligned. */
const BYTES_PER_MEMBER = 8 * (NUMBERS_PER_MEMBER + 1);
/** The flags of the pass itself fit into the place of one member. */
const HEADER_MEMBERS = 1;

/** The shared state of one worker's pass. Both sides hold one over the same memory. */
export class ScanControl {
  /** The memory, to be handed to the other side. */
  readonly memory: SharedArrayBuffer;
  readonly #flags: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;

  /** @param memory From {@linkcode ScanControl.allocate}. */
  constructor(memory: SharedArrayBuffer) {
    const members = memory.byteLength / BYTES_PER_MEMBER - HEADER_MEMBERS;
    this.memory = memory;
    this.#numbers = new Float64Array(memory, 0, members * NUMBERS_PER_MEMBER);
    this.#flags = new Int32Array(memory, this.#numbers.byteLength);
  }

  /** Memory for so many members. */
  static allocate(members: number): SharedArrayBuffer {
    return new SharedArrayBuffer((members + HEADER_MEMBERS) * BYTES_PER_MEMBER);
  }

  /** Asks a member to stop. */
  stop(member: number): void {
    Atomics.store(this.#flags, FIRST_STOP + member, 1);
    Atomics.notify(this.#flags, PAUSED);
    Atomics.notify(this.#flags, RESTING);
  }

  /** Whether a member is to stop. */
  isStopped(member: number): boolean {
    return Atomics.load(this.#flags, FIRST_STOP + member) === 1;
  }

  /** Pauses the pass, or lets it go on. */
  pause(paused: boolean): void {
    Atomics.store(this.#flags, PAUSED, paused ? 1 : 0);
    Atomics.notify(this.#flags, PAUSED);
  }

  /**
   * Blocks the thread while the pass is paused. Only for a worker.
   *
   * @param isOver Ends the waiting, too, when it says so after a stop.
   */
  waitWhilePaused(isOver: () => boolean): void {
    while (Atomics.load(this.#flags, PAUSED) === 1 && !isOver()) {
      // Bounded: a stop between the look and the wait would otherwise be slept through.
      Atomics.wait(this.#flags, PAUSED, 1, 100);
      this.beat();
    }
  }

  /** How fast the pass may go. */
  get pace(): Pace {
    const share = Atomics.load(this.#flags, PACE_SHARE) / 1_000;
    const events = Atomics.load(this.#flags, PACE_EVENTS);
    return {
      // Not set yet: memory begins as zeros.
      share: share === 0 ? FULL_PACE.share : share,
      eventsPerSecondMax: events === 0 ? FULL_PACE.eventsPerSecondMax : events,
    };
  }

  /** Says how fast the pass may go. */
  setPace({ share, eventsPerSecondMax }: Pace): void {
    Atomics.store(
      this.#flags,
      PACE_SHARE,
      Math.max(Math.round(share * 1_000), 1),
    );
    Atomics.store(
      this.#flags,
      PACE_EVENTS,
      Number.isFinite(eventsPerSecondMax)
        ? Math.max(Math.round(eventsPerSecondMax), 1)
        : 0,
    );
  }

  /**
   * Blocks the thread for a while. Only for a worker.
   *
   * @param ms How long, in milliseconds.
   * @param isOver Ends the waiting when it says so.
   */
  rest(ms: number, isOver: () => boolean): void {
    const endMs = performance.now() + ms;
    for (;;) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0 || isOver()) return;
      // A stop notifies; the bound is for signs of life.
      Atomics.wait(this.#flags, RESTING, 0, Math.min(leftMs, 100));
      this.beat();
    }
  }

  /** Gives a sign of life. */
  beat(): void {
    Atomics.add(this.#flags, BEATS, 1);
  }

  /** Changes with every sign of life. */
  get beats(): number {
    return Atomics.load(this.#flags, BEATS);
  }

  /** Says that the database is at work: until disposed of there is no sign of life. */
  store(): Disposable {
    Atomics.store(this.#flags, STORING, 1);
    return {
      [Symbol.dispose]: () => void Atomics.store(this.#flags, STORING, 0),
    };
  }

  /** Whether the database is at work. */
  get isStoring(): boolean {
    return Atomics.load(this.#flags, STORING) === 1;
  }

  /** Says whose code runs from now on. */
  enter(member: number): void {
    Atomics.store(this.#flags, AT_WORK, member + 1);
  }

  /** Whose code ran last, or `undefined` before the first. */
  get atWork(): number | undefined {
    const member = Atomics.load(this.#flags, AT_WORK) - 1;
    return member < 0 ? undefined : member;
  }

  /** Says how far a member is. */
  report(
    member: number,
    { position, eventsApplied, bytesRead, worked }: PassProgress,
  ): void {
    const at = member * NUMBERS_PER_MEMBER;
    this.#numbers[at + POSITION] = position;
    this.#numbers[at + EVENTS_APPLIED] = eventsApplied;
    this.#numbers[at + WORKED] = worked;
    this.#numbers[at + BYTES_READ] = bytesRead;
  }

  /** How far a member is. */
  progress(member: number): PassProgress {
    const at = member * NUMBERS_PER_MEMBER;
    return {
      position: this.#numbers[at + POSITION] ?? 0,
      eventsApplied: this.#numbers[at + EVENTS_APPLIED] ?? 0,
      worked: this.#numbers[at + WORKED] ?? 0,
      bytesRead: this.#numbers[at + BYTES_READ] ?? 0,
    };
  }
}
