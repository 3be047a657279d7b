/**
 * Lets several wait for one who reads what other processes appended: it need not be done twice.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";

/** How long a reader waits for another process that is writing, before it reads what it knows. */
export const NOTICE_TIMEOUT_MS = 100;

/** Whether somebody catches up just now, and how that came out. */
export class CatchUpGate {
  readonly #clock: Clock;
  #underWay: PromiseWithResolvers<boolean> | undefined;

  /** @param clock Times the waiting. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody begins. */
  begin(): void {
    this.#underWay ??= Promise.withResolvers();
  }

  /**
   * Whoever began has ended; does nothing when nobody did.
   *
   * @param how Whether all was read.
   */
  end(how: "caught up" | "gave up"): void {
    this.#underWay?.resolve(how === "caught up");
    this.#underWay = undefined;
  }

  /**
   * Waits for whoever is at it.
   *
   * @param timeoutMs Not longer than this, in milliseconds.
   * @returns Whether all was read.
   */
  async wait(timeoutMs: number): Promise<boolean> {
    if (this.#underWay === undefined) return true;
    const timeout = new AbortController();
    const waited = this.#clock.sleep(timeoutMs, timeout.signal);
    const isDone = await Promise.race([
      this.#underWay.promise,
      waited.then(() => false),
    ]);
    timeout.abort();
    return isDone;
  }
}
