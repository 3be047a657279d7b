/**
 * Which projection's code a thread is running, and on which event: shared memory, so that another
 * thread can tell when it never returns.
 *
 * @module
 */
import type { Position } from "../events/event.ts";

/** Indexes into the whole numbers. */
const BEATS = 0;
/** The projection whose code runs, counted from 1; 0 for none. */
const PLACE = 1;

const BYTES = 16;
/** Where the position stands: behind the whole numbers. */
const POSITION_OFFSET = 8;

/** Told when a projection's code begins and returns. */
export interface ProjectionWatch {
  /** Its code begins, on an event; 0 if that is not known. */
  enter(position: Position): void;
  /** Its code returned. */
  leave(): void;
}

/** What a watched thread is at. */
export interface WatchedPlace {
  /** Another one means that the code returned in between. */
  readonly beats: number;
  /** Index of the projection. */
  readonly index: number;
  /** The event; 0 if that is not known. */
  readonly position: Position;
}

/** The code of one thread. Both sides hold one over the same memory. */
export class CodeWatch {
  /** The memory, to be handed to the other side. */
  readonly memory: SharedArrayBuffer;
  readonly #flags: Int32Array<SharedArrayBuffer>;
  readonly #position: Float64Array<SharedArrayBuffer>;

  /** @param memory That of the other side. @default {new memory} */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(BYTES)) {
    this.memory = memory;
    this.#flags = new Int32Array(memory, 0, 2);
    this.#position = new Float64Array(memory, POSITION_OFFSET, 1);
  }

  /**
   * For the code of one projection.
   *
   * @param index Which one.
   */
  of(index: number): ProjectionWatch {
    const flags = this.#flags;
    return {
      // Several times an event: plain stores, as whoever looks, looks twice.
      enter: (position) => {
        this.#position[0] = position;
        flags[BEATS] = (flags[BEATS] ?? 0) + 1;
        flags[PLACE] = index + 1;
      },
      leave: () => {
        flags[PLACE] = 0;
      },
    };
  }

  /** What the thread is at, or `undefined` when it is not in a projection's code. */
  look(): WatchedPlace | undefined {
    const place = Atomics.load(this.#flags, PLACE);
    if (place === 0) return undefined;
    const beats = Atomics.load(this.#flags, BEATS);
    return { beats, index: place - 1, position: this.#position[0] ?? 0 };
  }
}
