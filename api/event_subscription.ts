/**
 * What one client still has to be sent. However slow it is, at most the last event of each
 * operation and projection waits for it.
 *
 * @module
 */
import type { Clock } from "../mod.ts";
import type { FeedEvent } from "./event_feed.ts";

/** What a subscription is made of. */
export interface SubscriptionOptions {
  readonly clock: Clock;
  /** The operation that it is about, or `undefined` when it is about all. */
  readonly operationId: string | undefined;
  /** Only events of this key, or `undefined` for all. */
  readonly key: string | undefined;
  /** How everything stands, for a client that has missed too much. */
  readonly present: () => readonly FeedEvent[];
  /** Told once when it ends. */
  readonly onEnd: () => void;
}

/** How long nothing is sent at most, in milliseconds: proxies cut silent connections. */
const HEARTBEAT_MS = 15_000;
/** More keys than this do not wait: operations end, and new ones begin. */
const PENDING_MAX = 2_000;

/** One client's share of the feed. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #pending = new Map<string, FeedEvent>();
  #wake: (() => void) | undefined;
  #isOver = false;

  /** @param options What it is made of. */
  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** The operation that it is about, or `undefined` when it is about all. */
  get operationId(): string | undefined {
    return this.#options.operationId;
  }

  /** How many events wait. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Sends these first. */
  begin(events: readonly FeedEvent[]): void {
    for (const event of events) this.offer(event);
  }

  /** Takes an event to be sent. */
  offer(event: FeedEvent): void {
    const { key, present } = this.#options;
    if (this.#isOver || (key !== undefined && event.key !== key)) return;
    // Put last, so that ids grow; what waited is obsolete.
    this.#pending.delete(event.key);
    this.#pending.set(event.key, event);
    if (this.#pending.size > PENDING_MAX) {
      this.#pending.clear();
      for (const latest of present()) this.#pending.set(latest.key, latest);
    }
    this.#wake?.();
  }

  /**
   * Waits for the next event.
   *
   * @returns The event, `"heartbeat"` after 15 seconds without one, or `undefined` at the end.
   */
  async next(): Promise<FeedEvent | "heartbeat" | undefined> {
    const waiting = this.#take();
    if (waiting || this.#isOver) return waiting;
    const timer = new AbortController();
    this.#wake = () => timer.abort();
    await this.#options.clock.sleep(HEARTBEAT_MS, timer.signal);
    this.#wake = undefined;
    const event = this.#take();
    return event ?? (this.#isOver ? undefined : "heartbeat");
  }

  /** Ends it. What waits is still handed out. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
    this.#wake?.();
  }

  #take(): FeedEvent | undefined {
    const [event] = this.#pending.values();
    if (event) this.#pending.delete(event.key);
    return event;
  }
}
