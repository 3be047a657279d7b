/**
 * The schedule: rebuilds what needs it while a window is open.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { OpossumRebuilder } from "../rebuild/opossum_rebuilder.ts";
import type { ProjectionRebuildResult } from "../rebuild/operation.ts";
import type { UnderWay } from "../rebuild/operations_under_way.ts";
import type { RebuildThrottle } from "../rebuild/throttle.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  closingOf,
  nextDue,
  type RebuildWindow,
  type RebuildWindowStatus,
} from "./rebuild_window.ts";
import { SLEEP_MS_MAX, untilDue } from "./until_due.ts";

/** What a schedule needs. */
export interface RebuildScheduleOptions {
  /** When it may rebuild. */
  readonly windows: readonly RebuildWindow[];
  /** Plans, starts and interrupts. */
  readonly rebuilder: Pick<
    OpossumRebuilder,
    "startDue" | "interrupt" | "untilHeld"
  >;
  /** Bounds what is read while a window is open. */
  readonly throttle: Pick<RebuildThrottle, "cap">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told what came of an operation. */
  readonly onEnded: (result: ProjectionRebuildResult) => void;
}

/** Rebuilds in windows. */
export class RebuildSchedule {
  readonly #options: RebuildScheduleOptions;
  readonly #windows: readonly ScheduledWindow[];

  /** @param options What it needs. */
  constructor(options: RebuildScheduleOptions) {
    this.#options = options;
    this.#windows = options.windows.map((window) =>
      new ScheduledWindow(window, options)
    );
  }

  /**
   * Whether what it has begun is to wait for its windows after a restart: none of them leaves a
   * rebuild going for as long as it takes.
   */
  get isBounded(): boolean {
    const { windows } = this.#options;
    return windows.length > 0 &&
      windows.every(({ duration }) => duration !== undefined);
  }

  /** The windows and their times. */
  get status(): readonly RebuildWindowStatus[] {
    return Object.freeze(this.#windows.map((window) => window.status));
  }

  /**
   * Opens and closes the windows until it is told to stop.
   *
   * @param signal Ends it.
   * @returns Resolves when it has ended. Never rejects.
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#windows.map((window) => window.run(signal)));
  }
}

/** One window. */
class ScheduledWindow {
  readonly #window: RebuildWindow;
  readonly #options: RebuildScheduleOptions;
  #isOpen = false;
  #operationId: string | null = null;

  constructor(window: RebuildWindow, options: RebuildScheduleOptions) {
    this.#window = window;
    this.#options = options;
  }

  get status(): RebuildWindowStatus {
    const { cron, duration, concurrency, eventsPerSecondMax } = this.#window;
    const now = this.#options.clock.now();
    const closes = closingOf(this.#window, now);
    return Object.freeze({
      cron,
      duration: duration ?? null,
      concurrency: concurrency ?? null,
      eventsPerSecondMax: eventsPerSecondMax ?? null,
      isOpen: this.#isOpen || closes !== undefined,
      opensAt: nextDue(cron, now)?.toISOString() ?? null,
      closesAt: closes?.toISOString() ?? null,
      operationId: this.#operationId,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { cron } = this.#window;
    // A process that starts while the window is open goes on with what the last one left.
    if (closingOf(this.#window, clock.now())) await this.#open();
    while (await untilDue(clock, cron, signal)) await this.#open();
  }

  async #open(): Promise<void> {
    const { throttle, logger, clock } = this.#options;
    const { cron, eventsPerSecondMax } = this.#window;
    const closes = closingOf(this.#window, clock.now());
    using bounds = new DisposableStack();
    if (eventsPerSecondMax !== undefined) {
      bounds.use(throttle.cap(eventsPerSecondMax));
    }
    this.#isOpen = true;
    try {
      logger.log("info", "Window for rebuilds opens", { cron });
      await this.#rebuildUntil(closes);
    } catch (error) {
      logger.log("error", "Scheduled rebuild failed", { cron, error });
    } finally {
      this.#isOpen = false;
    }
  }

  async #rebuildUntil(closes: Date | undefined): Promise<void> {
    const { rebuilder, onEnded } = this.#options;
    const { concurrency } = this.#window;
    const trigger = "schedule";
    const begun = await rebuilder.startDue({
      trigger,
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    if (!begun) return;
    const { operation: { id }, ended: rebuilding } = begun;
    this.#operationId = id;
    const told = rebuilding.then(onEnded);
    if (!closes) {
      // One without an end must not wait for an operator: it would open never again.
      if (await rebuilder.untilHeld(begun)) await told;
      return;
    }
    const ended = new AbortController();
    const closing = this.#closeAt(closes, begun, ended.signal);
    await rebuilding;
    ended.abort();
    await closing;
    await told;
  }

  /**
   * Interrupts the operation when the window closes; not while it opens again at that moment, or
   * did before.
   */
  async #closeAt(
    closes: Date,
    { operation }: UnderWay,
    ended: AbortSignal,
  ): Promise<void> {
    const { rebuilder, logger, clock } = this.#options;
    const { id } = operation;
    let at = closes;
    for (;;) {
      await this.#sleepUntil(at, ended);
      if (ended.aborted) return;
      const again = closingOf(this.#window, clock.now());
      // What waits for an operator would keep it from beginning anything else.
      if (again === undefined || again <= at || operation.isHeld) break;
      at = again;
    }
    logger.log("info", "Window for rebuilds closes", { operationId: id });
    await rebuilder.interrupt(id);
  }

  async #sleepUntil(closes: Date, ended: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    // Set back, the clock would keep it open for longer than it may be.
    const endMs = clock.monotonicMs() + closes.getTime() -
      clock.now().getTime();
    while (!ended.aborted) {
      const leftMs = Math.min(
        closes.getTime() - clock.now().getTime(),
        endMs - clock.monotonicMs(),
      );
      if (leftMs <= 0) return;
      await clock.sleep(Math.min(leftMs, SLEEP_MS_MAX), ended);
    }
  }
}
