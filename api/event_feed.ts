/**
 * The feed of what changes: operations and projections, looked at once a second while somebody
 * watches, and whenever an operation begins, is paused, goes on, or ends. One feed serves all who
 * watch, so that a hundred of them cost no more looks than one.
 *
 * @module
 */
import {
  type Clock,
  type Opossum,
  ProjectionsClosedError,
  type RebuildOperation,
  StoreClosedError,
} from "../mod.ts";
import { Subscription } from "./event_subscription.ts";

/** Something that changed. */
export interface FeedEvent {
  /** Grows, also over restarts of the server. */
  readonly id: number;
  /** What it is about. */
  readonly type: "operation" | "projection" | "scrub";
  /** Which one: a later event of the same key makes this one obsolete. */
  readonly key: string;
  /** How it stands: JSON. */
  readonly data: string;
}

/** Which events somebody watches. */
export interface Watch {
  /** This operation only. @default {everything} */
  readonly operationId?: string | undefined;
  /** The last event that was seen, before the connection was lost. @default {none} */
  readonly lastEventId?: number | undefined;
}

/** How often is looked at what changed, in milliseconds. */
const SAMPLE_MS = 1_000;
/** Events that are remembered for those who come back. */
const BUFFER_EVENTS_MAX = 1_000;
/** Characters of them. */
const BUFFER_LENGTH_MAX = 4_194_304;
/** Operations whose end is remembered. */
const ENDED_MAX = 1_000;
/** More events a millisecond than this would let ids run ahead of the clock. */
const IDS_PER_MS = 1_000;

const OPEN_STATES: ReadonlySet<string> = new Set([
  "queued",
  "running",
  "paused",
  "interrupted",
]);

const OPERATION_PREFIX = "operation:";
/** The key of all that is told of scrubs: one goes on at a time. */
const SCRUB = "scrub";

/** Tells those who watch. */
export class EventFeed {
  readonly #opossum: Opossum;
  readonly #latest = new Map<string, FeedEvent>();
  readonly #subscriptions = new Set<Subscription>();
  /** The last event of ended operations: a look that began before must not bring them back. */
  readonly #ended = new Map<string, number>();
  #buffer: FeedEvent[] = [];
  #bufferLength = 0;
  #lastId: number;
  #sampling: Promise<void> | undefined;
  #loop: AbortController | undefined;
  #isWatching = false;
  #subscribing = 0;
  /** Whether the last look failed: said once, not every second. */
  #hasFailed = false;

  /** @param opossum What is watched. */
  constructor(opossum: Opossum) {
    this.#opossum = opossum;
    this.#lastId = opossum.options.clock.now().getTime() * IDS_PER_MS;
  }

  /** The source of time. */
  get clock(): Clock {
    return this.#opossum.options.clock;
  }

  /** How many watch, or are about to. */
  get size(): number {
    return this.#subscriptions.size + this.#subscribing;
  }

  /**
   * Begins to watch: with what was missed since the last event that was seen, as far as that is
   * remembered, else with how everything stands.
   *
   * @param watch What to watch.
   * @returns The subscription, to be ended; `undefined` when the last event there will be was seen.
   */
  async subscribe(
    { operationId, lastEventId = -1 }: Watch,
  ): Promise<Subscription | undefined> {
    if (!this.#isWatching) {
      // From now on for good, so that who comes back learns what ended meanwhile.
      this.#isWatching = true;
      this.#opossum.rebuilder.watch((operation) => this.#tell(operation));
    }
    this.#subscribing++;
    const subscription = this.#subscription(operationId);
    let operation: RebuildOperation | undefined;
    try {
      await this.#sample(operationId);
      if (operationId !== undefined) {
        operation = await this.#opossum.rebuilder.getOperation(operationId);
      }
    } finally {
      this.#subscribing--;
    }
    if (operation && !EventFeed.isOpen(operation)) {
      const key = operationKey(operation.id);
      const id = this.#ended.get(key) ?? this.#lastId;
      this.#end(key, id);
      if (lastEventId >= id) return undefined;
      // What has ended is told once more to whoever asks, and to nobody else.
      subscription.begin([toEvent(id, operation)]);
      subscription.end();
      return subscription;
    }
    subscription.begin(this.#since(lastEventId) ?? this.#present());
    this.#subscriptions.add(subscription);
    if (!this.#loop) this.#run();
    return subscription;
  }

  /** Whether anything of an operation may still change: an interrupted one will be continued. */
  static isOpen({ state, resumedBy }: RebuildOperation): boolean {
    return OPEN_STATES.has(state) && resumedBy === undefined;
  }

  #subscription(operationId: string | undefined): Subscription {
    const subscription = new Subscription({
      clock: this.#opossum.options.clock,
      operationId,
      key: operationId === undefined ? undefined : operationKey(operationId),
      present: () => this.#present(),
      onEnd: () => {
        this.#subscriptions.delete(subscription);
        if (this.#subscriptions.size === 0) this.#loop?.abort();
      },
    });
    return subscription;
  }

  /** The events after one, or `undefined` when not all of them are remembered. */
  #since(lastEventId: number): readonly FeedEvent[] | undefined {
    if (lastEventId > this.#lastId) return undefined;
    const first = this.#buffer[0];
    if (first === undefined || lastEventId < first.id - 1) return undefined;
    return this.#buffer.filter(({ id }) => id > lastEventId);
  }

  #present(): readonly FeedEvent[] {
    return [...this.#latest.values()].sort((a, b) => a.id - b.id);
  }

  async #run(): Promise<void> {
    const loop = new AbortController();
    this.#loop = loop;
    while (!loop.signal.aborted) {
      await this.#opossum.options.clock.sleep(SAMPLE_MS, loop.signal);
      if (!loop.signal.aborted) await this.#sample();
    }
    this.#loop = undefined;
    // Somebody may have come while the last one went.
    if (this.#subscriptions.size > 0) this.#run();
  }

  async #sample(operationId?: string): Promise<void> {
    // A look under way is shared, unless it may not be at this operation.
    if (this.#sampling && operationId === undefined) return this.#sampling;
    while (this.#sampling) await this.#sampling;
    this.#sampling = this.#look(operationId).finally(() => {
      this.#sampling = undefined;
    });
    await this.#sampling;
  }

  /** Looks at everything: what cannot be told hides nothing else. */
  async #look(operationId: string | undefined): Promise<void> {
    const { rebuilder, projections } = this.#opossum;
    const errors: unknown[] = [];
    const attempt = async (step: () => Promise<void>) => {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    };
    const ids = new Set(this.#operationIds());
    if (operationId !== undefined) ids.add(operationId);
    await attempt(async () => {
      const { operationIds } = await rebuilder.getRebuildStatus();
      for (const id of operationIds) ids.add(id);
    });
    for (const id of ids) {
      await attempt(async () => {
        const operation = await rebuilder.getOperation(id);
        if (operation) this.#tell(operation);
        // The history has forgotten it.
        else this.#latest.delete(operationKey(id));
      });
    }
    for (const name of projections.names) {
      await attempt(async () => {
        const info = await projections.info(name);
        this.#publish("projection", `projection:${name}`, info);
      });
    }
    const running = this.#opossum.scrubProgress ?? null;
    // Where nobody scrubs there is nothing to tell, but that it has ended.
    if (running !== null || this.#latest.has(SCRUB)) {
      this.#publish("scrub", SCRUB, { running });
    }
    this.#noteErrors(errors);
  }

  /** Operations that somebody watches, or was told of and not that they have ended. */
  *#operationIds(): Generator<string, void, void> {
    for (const { operationId } of this.#subscriptions) {
      if (operationId !== undefined) yield operationId;
    }
    for (const { type, key } of this.#latest.values()) {
      if (type === "operation") yield key.slice(OPERATION_PREFIX.length);
    }
  }

  #noteErrors(errors: readonly unknown[]): void {
    const isClosed = errors.some((error) =>
      error instanceof ProjectionsClosedError ||
      error instanceof StoreClosedError
    );
    // Nothing will change any more. Whatever else fails may go well with the next look.
    if (isClosed) { for (const each of [...this.#subscriptions]) each.end(); }
    else if (errors.length > 0 && !this.#hasFailed) {
      const { logger } = this.#opossum.options;
      logger.log("warn", "A look for what changed failed", {
        error: errors[0],
      });
    }
    this.#hasFailed = errors.length > 0 && !isClosed;
  }

  #tell(operation: RebuildOperation): void {
    const key = operationKey(operation.id);
    const isOpen = EventFeed.isOpen(operation);
    const endedAt = this.#ended.get(key);
    if (endedAt !== undefined) {
      // Told already, but for who came just between its end and that.
      const event = toEvent(endedAt, operation);
      for (const each of isOpen ? [] : [...this.#subscriptions]) {
        if (each.operationId === operation.id) each.offer(event);
      }
      return;
    }
    this.#publish("operation", key, operation);
    if (!isOpen) this.#end(key, this.#lastId);
  }

  #end(key: string, id: number): void {
    this.#latest.delete(key);
    this.#ended.set(key, id);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_MAX && oldest) this.#ended.delete(oldest);
  }

  #publish(type: FeedEvent["type"], key: string, value: unknown): void {
    const data = JSON.stringify(value);
    if (this.#latest.get(key)?.data === data) return;
    const event = Object.freeze({ id: ++this.#lastId, type, key, data });
    this.#latest.set(key, event);
    this.#buffer.push(event);
    this.#bufferLength += data.length;
    while (
      this.#buffer.length > BUFFER_EVENTS_MAX ||
      this.#bufferLength > BUFFER_LENGTH_MAX
    ) {
      this.#bufferLength -= this.#buffer.shift()?.data.length ?? 0;
    }
    for (const subscription of this.#subscriptions) subscription.offer(event);
  }
}

function operationKey(id: string): string {
  return OPERATION_PREFIX + id;
}

function toEvent(id: number, operation: RebuildOperation): FeedEvent {
  return Object.freeze({
    id,
    type: "operation",
    key: operationKey(operation.id),
    data: JSON.stringify(operation),
  });
}
