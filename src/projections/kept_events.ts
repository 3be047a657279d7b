/**
 * Related events held in memory, by number: all as packed texts, and as many as may be as objects
 * besides.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";
import { freezeEvents } from "./freeze_events.ts";
import { TextArena } from "./text_arena.ts";

/** About the memory of an event as an object: for itself, and for each byte of its text. */
const EVENT_BYTES = 300;
const EVENT_BYTES_PER_TEXT_BYTE = 1.2;

/**
 * Estimate of the memory that an event takes as an object.
 *
 * @param textBytes The length of its text.
 * @returns Bytes.
 */
export function weighEvent(textBytes: number): number {
  return Math.round(EVENT_BYTES + EVENT_BYTES_PER_TEXT_BYTE * textBytes);
}

/** Events by number. */
export class KeptEvents {
  readonly #arena = new TextArena();
  readonly #places: number[] = [];
  readonly #objects: (StoredEvent | undefined)[] = [];
  #objectBytesMax: number;
  #objectBytes = 0;

  /** @param objectBytesMax How much those that are held as objects may take, in bytes. */
  constructor(objectBytesMax: number) {
    this.#objectBytesMax = objectBytesMax;
  }

  /** Estimate of the memory that is taken, in bytes. */
  get bytes(): number {
    return this.#arena.bytes + this.#objectBytes + 16 * this.#places.length;
  }

  /**
   * Adds an event.
   *
   * @param text The event as JSON text.
   * @returns Its number: 0 for the first, then 1.
   */
  add(text: string): number {
    this.#objects.push(undefined);
    return this.#places.push(this.#arena.add(text)) - 1;
  }

  /** Whether the event of a number is held as an object, so that others may hold it, too. */
  holds(number: number): boolean {
    return this.#objects[number] !== undefined;
  }

  /** The event of a number that {@linkcode KeptEvents.add} gave, frozen. */
  get(number: number): StoredEvent {
    const known = this.#objects[number];
    if (known) return known;
    const text = this.textOf(number);
    const event: StoredEvent = JSON.parse(text);
    freezeEvents([event]);
    const bytes = weighEvent(text.length);
    // Those asked for first stay: which are asked for again cannot be known.
    if (this.#objectBytes + bytes <= this.#objectBytesMax) {
      this.#objects[number] = event;
      this.#objectBytes += bytes;
    }
    return event;
  }

  /** Estimate of the memory that the event of a number takes as an object, in bytes. */
  weigh(number: number): number {
    return weighEvent(this.textOf(number).length);
  }

  /** Lets go of the objects, and holds none any more: the texts need the memory. */
  dropObjects(): void {
    this.#objects.fill(undefined);
    this.#objectBytes = 0;
    this.#objectBytesMax = 0;
  }

  /** The text of an event; its memory is shared with nothing. */
  textOf(number: number): string {
    return this.#arena.get(this.#places[number] ?? -1);
  }
}
