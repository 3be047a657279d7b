/**
 * Reads one line of a file of events:
 * `{"position":n,"id":uuid,"type":T,"tags":[…],"data":{…},"timestamp":ISO-8601}`.
 *
 * @module
 */
import type { EventInput, Position } from "../events/event.ts";
import { checkEventInputs } from "../events/validation.ts";

/** An event as it stands in a line. */
export interface LineEvent {
  /** Its place in the order. */
  readonly position: Position;
  /** What the store takes. */
  readonly event: EventInput;
}

/** A line is not an event that the store would take. */
export class EventLineError extends Error {
  override readonly name = "EventLineError";

  /**
   * @param what What is wrong with it, to be continued after "as".
   * @param options `cause`: what was found.
   */
  constructor(readonly what: string, options?: ErrorOptions) {
    super(`Cannot read the event as ${what}`, options);
  }
}

/** The fields of a line: all of them, and no other, so that nothing gets lost. */
const FIELDS = ["position", "id", "type", "tags", "data", "timestamp"] as const;

/** What `JSON.parse()` takes; the types do not know yet that it hands over the source, too. */
type Reviver = (key: string, value: unknown) => unknown;

/** Only longer integers can be beyond what a number holds. */
const LONG_INTEGER = /[0-9]{16}/;

/**
 * Reads a line.
 *
 * @param line The line, without its end.
 * @returns The event and its position.
 * @throws {EventLineError} If it is not an event that the store would take.
 */
export function readEventLine(line: string): LineEvent {
  const value = parse(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse("it is not a JSON object");
  }
  const fields = value as Record<string, unknown>;
  for (const field of FIELDS) {
    if (!Object.hasOwn(fields, field)) {
      refuse(`'${field}' is missing`);
    }
  }
  for (const field of Object.keys(fields)) {
    if (!(FIELDS as readonly string[]).includes(field)) {
      refuse(
        `it has an unknown field, which would get lost: ${
          JSON.stringify(field)
        }`,
      );
    }
  }
  const { position, id, type, tags, data, timestamp } = fields;
  if (!Number.isSafeInteger(position)) {
    refuse(
      `'position' must be an integer: current value is ${
        JSON.stringify(position)
      }`,
    );
  }
  const event = { type, tags, data, id, timestamp } as EventInput;
  checkEvent(event);
  return { position: position as Position, event };
}

function parse(line: string): unknown {
  try {
    return LONG_INTEGER.test(line)
      ? JSON.parse(line, refuseRounding as Reviver)
      : JSON.parse(line);
  } catch (error) {
    if (error instanceof EventLineError) throw error;
    // The parser's own message quotes the line.
    refuse("it is not JSON");
  }
}

/** What a number of JavaScript cannot hold would be stored as another one. */
function refuseRounding(
  _key: string,
  value: unknown,
  { source }: { readonly source: string },
): unknown {
  if (
    typeof value === "number" && /^-?[0-9]+$/.test(source) &&
    !(Number.isFinite(value) && BigInt(source) === BigInt(value))
  ) {
    refuse(`it holds an integer that would be rounded: ${source}`);
  }
  return value;
}

function checkEvent(event: EventInput): void {
  try {
    checkEventInputs([event]);
  } catch (error) {
    const { message } = error as Error;
    // It speaks of a list that the reader of the file does not see.
    const reason = message.replace(/^Cannot append as /, "")
      .replaceAll("'events[0].", "'");
    refuse(reason, { cause: error });
  }
}

function refuse(what: string, options?: ErrorOptions): never {
  throw new EventLineError(what, options);
}
