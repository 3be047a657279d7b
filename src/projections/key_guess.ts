/**
 * Guesses which field of an event's data is its key, so that events can be put aside without
 * being parsed. Parsing is what a rebuild spends most time on.
 *
 * A guess is checked on every event it was used for, when that is folded: see
 * {@linkcode MisguessedKeyError}. So it can cost time, never a wrong document.
 *
 * @module
 */
import type { StoredEvent } from "../events/event.ts";

/** A guess is believed after it was right for so many events of a type. */
const EVENTS_MIN = 50;

/** What was seen of one type of event. */
interface Candidates {
  /** Fields that were the key of each event so far. */
  fields: readonly string[];
  seen: number;
}

/** An event's key was not the field that it was guessed to be: begin anew, without guesses. */
export class MisguessedKeyError extends Error {
  override readonly name = "MisguessedKeyError";

  constructor() {
    super("The key of an event was guessed wrongly");
  }
}

/** Learns from events, for one projection. */
export class KeyGuesses {
  readonly #byType = new Map<string, Candidates>();

  /** Learns from an event and its keys. */
  observe({ type, data }: StoredEvent, keys: readonly string[]): void {
    const known = this.#byType.get(type);
    if (known?.fields.length === 0) return;
    const [key] = keys;
    const isKey = (field: string) =>
      keys.length === 1 && (data as Fields | null)?.[field] === key;
    const fields = known
      ? known.fields.every(isKey) ? known.fields : known.fields.filter(isKey)
      : fieldsOf(data).filter(isKey);
    if (known) {
      known.fields = fields;
      known.seen++;
    } else this.#byType.set(type, { fields, seen: 1 });
  }

  /** The field that is the key of events of a type, or `undefined` when that is not known. */
  fieldOf(type: string): string | undefined {
    const known = this.#byType.get(type);
    return known && known.seen >= EVENTS_MIN ? known.fields[0] : undefined;
  }

  /**
   * Compares the guess for an event with its keys.
   *
   * @throws {MisguessedKeyError} If it was wrong, also as the keys cannot be told.
   */
  assertRight(
    { type, data }: StoredEvent,
    tellKeys: () => readonly string[],
  ): void {
    const field = this.fieldOf(type) ?? "";
    let keys: readonly string[] = [];
    try {
      keys = tellKeys();
    } catch {
      // Without guesses the failure comes where the event goes by.
    }
    const isRight = keys.length === 1 && (data as Fields)[field] === keys[0];
    if (!isRight) throw new MisguessedKeyError();
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(data: unknown): string[] {
  const isObject = typeof data === "object" && data !== null &&
    !Array.isArray(data);
  // Names that stand in the text as they are.
  return isObject ? Object.keys(data).filter((name) => /^\w+$/.test(name)) : [];
}

/** What an event's data begins with in its text. Inside a text the quotes would be escaped. */
const DATA_START = ',"data":{';

/**
 * Reads a field of an event's data from the event's text, without parsing it.
 *
 * @param text The event as JSON text, `data` last.
 * @param field The field's name: letters, digits and `_`.
 * @returns The field's value; `undefined` when that cannot be told for certain, as when it is not
 * a plain text, or stands behind something nested.
 */
export function readField(text: string, field: string): string | undefined {
  const data = text.indexOf(DATA_START);
  if (data < 0) return undefined;
  const from = data + DATA_START.length;
  const opening = `"${field}":"`;
  // Quotes that are not escaped: a name, not a part of some text.
  const at = text.indexOf(opening, from);
  if (at < 0) return undefined;
  // Behind another bracket it might be the name of something nested.
  for (const bracket of ["{", "["]) {
    const nested = text.indexOf(bracket, from);
    if (nested >= 0 && nested < at) return undefined;
  }
  const start = at + opening.length;
  const value = text.substring(start, text.indexOf('"', start));
  return value.includes("\\") ? undefined : value;
}
