/**
 * Events that a store has parsed already, in the shape of those it has not.
 *
 * @module
 */
import type { Position, StoredEvent } from "./event.ts";
import type {
  EventBatch,
  UnparsedBatch,
  UnparsedEvent,
} from "./event_store.ts";

/** A parsed event; its text is made when it is asked for. */
class ParsedEvent implements UnparsedEvent {
  readonly position: Position;
  readonly type: string;
  readonly #event: StoredEvent;

  constructor(event: StoredEvent) {
    this.position = event.position;
    this.type = event.type;
    this.#event = event;
  }

  get text(): string {
    return JSON.stringify(this.#event);
  }

  parse(): StoredEvent {
    return this.#event;
  }
}

/**
 * A batch of parsed events in the shape of one that was not looked into.
 *
 * @param batch The batch.
 * @returns The same events.
 */
export function toUnparsed({ events, ...rest }: EventBatch): UnparsedBatch {
  return { ...rest, events: events.map((event) => new ParsedEvent(event)) };
}
