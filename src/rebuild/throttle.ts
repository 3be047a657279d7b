/**
 * The throttle: makes rebuilds go slower when requests or appends suffer from them, and never
 * faster than a cap.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { GoodNeighbourOptions } from "./good_neighbour.ts";
import type { RebuildThrottleStatus } from "./operation.ts";
import { FULL_PACE, type Pace, Pacer } from "./pace.ts";

/** What the throttle needs. */
export interface RebuildThrottleOptions {
  /** Times the looks. */
  readonly clock: Clock;
  /** Whether to slow down, and when; `undefined` for never. */
  readonly goodNeighbour: Required<GoodNeighbourOptions> | undefined;
  /** Events that may be read a second, or `Infinity`. */
  readonly eventsPerSecondMax: number;
}

/** The part of the options of a store that is about the throttle. */
export interface ThrottleSettings {
  readonly clock: Clock;
  readonly rebuildGoodNeighbour: Required<GoodNeighbourOptions> | undefined;
  readonly rebuildEventsPerSecondMax: number | undefined;
}

/** A pass of the serving thread. */
export interface PassInProcess extends Disposable {
  /**
   * Rests as long as is due after a stretch of work. The next one begins when it returns.
   *
   * @param eventsRead How many events of the log were read in it.
   * @param wait What else is waited for, afterwards: it counts as rest. @default {nothing}
   */
  rest(eventsRead: number, wait?: () => Promise<void>): Promise<void>;
}

/** Slept between two looks at the event loop, in milliseconds. */
const LOOK_MS = 50;
/** Looks before a decision. */
const LOOKS = 10;

/** Slowing down is quick, speeding up slow: it finds the pace that is just bearable. */
const SLOWER_FACTOR = 0.7;
const FASTER_STEP = 0.05;

/** Sets the pace of every pass of a process. */
export class RebuildThrottle {
  readonly #options: RebuildThrottleOptions;
  readonly #passes = new Set<(pace: Pace) => void>();
  readonly #caps = new Set<{ readonly eventsPerSecondMax: number }>();
  #share = 1;
  #reason: RebuildThrottleStatus["reason"] = null;
  #watching: AbortController | undefined;
  #appends = 0;
  #appendsMs = 0;

  /** @param options What it needs. */
  constructor(options: RebuildThrottleOptions) {
    this.#options = options;
  }

  /** Whether appends are to be measured and noted. */
  get isWatching(): boolean {
    return this.#watching !== undefined;
  }

  /** How fast rebuilds may go now. */
  get status(): RebuildThrottleStatus {
    const cap = this.#cap;
    return Object.freeze({
      share: this.#share,
      reason: this.#reason,
      eventsPerSecondMax: Number.isFinite(cap) ? cap : null,
    });
  }

  /**
   * Takes a pass over the log under control.
   *
   * @param setPace Told how fast it may go: at once, and whenever that changes.
   * @returns Dispose it when the pass is over.
   */
  enter(setPace: (pace: Pace) => void): Disposable {
    this.#passes.add(setPace);
    this.#tell();
    if (!this.#watching && this.#options.goodNeighbour) void this.#watch();
    return {
      [Symbol.dispose]: () => {
        this.#passes.delete(setPace);
        this.#tell();
        if (this.#passes.size === 0) this.#watching?.abort();
      },
    };
  }

  /**
   * Takes a pass in this thread under control.
   *
   * @param stops Each that aborts ends the rest that is taken, or else the next one, so that whoever
   * is to stop need not wait; what is left of it is rested later. When all of them have aborted, it
   * rests no more.
   * @returns What tells it to rest; dispose it when the pass is over.
   */
  enterHere(stops: readonly AbortSignal[]): PassInProcess {
    let pace = FULL_PACE;
    const entered = this.enter((now) => void (pace = now));
    const { clock } = this.#options;
    const pacer = new Pacer(() => pace, () => clock.monotonicMs());
    let waking = new AbortController();
    const wake = () => waking.abort();
    for (const signal of stops) {
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake);
    }
    return {
      async rest(eventsRead, wait) {
        let restMs = pacer.rest(eventsRead);
        while (restMs > 0 && !waking.signal.aborted) {
          await clock.sleep(restMs, waking.signal);
          restMs = pacer.restOn();
        }
        const isOver = stops.every(({ aborted }) => aborted);
        if (waking.signal.aborted && !isOver) waking = new AbortController();
        await wait?.();
        pacer.goOn();
      },
      [Symbol.dispose]: () => {
        for (const signal of stops) signal.removeEventListener("abort", wake);
        entered[Symbol.dispose]();
      },
    };
  }

  /**
   * Lowers the cap for a while: of several the lowest counts.
   *
   * @param eventsPerSecondMax The cap, over all rebuilds.
   * @returns Dispose it to lift the cap.
   */
  cap(eventsPerSecondMax: number): Disposable {
    const cap = { eventsPerSecondMax };
    this.#caps.add(cap);
    this.#tell();
    return {
      [Symbol.dispose]: () => {
        this.#caps.delete(cap);
        this.#tell();
      },
    };
  }

  /** Takes note of an append of this process. */
  noteAppend(durationMs: number): void {
    this.#appends++;
    this.#appendsMs += durationMs;
  }

  get #cap(): number {
    const caps = [this.#options, ...this.#caps];
    return Math.min(...caps.map((cap) => cap.eventsPerSecondMax));
  }

  /** Tells every pass how fast it may go. */
  #tell(): void {
    const eventsPerSecondMax = this.#cap / Math.max(this.#passes.size, 1);
    for (const setPace of this.#passes) {
      setPace({ share: this.#share, eventsPerSecondMax });
    }
  }

  /** Looks, while any pass is under way, how others fare. */
  async #watch(): Promise<void> {
    const { clock } = this.#options;
    const watching = new AbortController();
    this.#watching = watching;
    while (!watching.signal.aborted) {
      this.#appends = 0;
      this.#appendsMs = 0;
      let lateMs = 0;
      for (let look = 0; look < LOOKS && !watching.signal.aborted; look++) {
        const sinceMs = clock.monotonicMs();
        await clock.sleep(LOOK_MS, watching.signal);
        lateMs += Math.max(clock.monotonicMs() - sinceMs - LOOK_MS, 0);
      }
      if (!watching.signal.aborted) this.#decide(lateMs / LOOKS);
    }
    this.#share = 1;
    this.#reason = null;
    this.#watching = undefined;
    // One that came while this one stopped goes on under a look of its own.
    if (this.#passes.size > 0) void this.#watch();
  }

  #decide(loopDelayMs: number): void {
    const { goodNeighbour } = this.#options;
    if (!goodNeighbour) return;
    const { eventLoopDelayMax, appendDurationMax, shareMin } = goodNeighbour;
    const appendMs = this.#appends === 0 ? 0 : this.#appendsMs / this.#appends;
    const reason = loopDelayMs > eventLoopDelayMax
      ? "eventLoop"
      : appendMs > appendDurationMax
      ? "appends"
      : null;
    if (reason === null) {
      this.#share = Math.min(this.#share + FASTER_STEP, 1);
      if (this.#share === 1) this.#reason = null;
    } else {
      this.#share = Math.max(this.#share * SLOWER_FACTOR, shareMin);
      this.#reason = reason;
    }
    this.#tell();
  }
}

/** The throttle that a store's options ask for. */
export function throttleOf(
  { clock, rebuildGoodNeighbour, rebuildEventsPerSecondMax = Infinity }:
    ThrottleSettings,
): RebuildThrottle {
  return new RebuildThrottle({
    clock,
    goodNeighbour: rebuildGoodNeighbour,
    eventsPerSecondMax: rebuildEventsPerSecondMax,
  });
}
