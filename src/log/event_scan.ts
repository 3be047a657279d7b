/**
 * Reads the log from one position to another in batches: the hot path of rebuilds.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type {
  EventBatch,
  UnparsedBatch,
  UnparsedEvent,
} from "../events/event_store.ts";
import { matchesQuery, type Query } from "../events/query.ts";
import { LogCorruptionError, LogReadError } from "./errors.ts";
import {
  type EventLine,
  eventLines,
  EventLinesError,
  idOfLine,
  parseEventText,
  parseLine,
  textOfLine,
  typeOfLine,
} from "./event_lines.ts";
import { LogCursor, type LogCursorOptions } from "./log_cursor.ts";
import { typesOf } from "./query_streams.ts";
import { Yielder } from "../storage/yielder.ts";

/** What to scan. */
export interface ScanOptions extends LogCursorOptions {
  /** Which events. */
  readonly query: Query;
  /** Exclusive lower bound. */
  readonly after: Position;
  /** Events a batch, at most. */
  readonly batchSize: number;
  /** Stops the scan by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where nothing matches, a batch of lines ends after so many times its size. */
const LOOKED_AT_PER_BATCH = 4;

/** A batch ends when its events have about this many bytes: batches of large events stay small. */
const BATCH_BYTES_MAX = 8 * 1_024 * 1_024;

/**
 * Reads and checks every frame after `after` and up to `upTo`, and hands out the matching events.
 * Lines whose type nobody wants are not parsed. Leaving the loop early closes the file.
 *
 * @param options What to scan.
 * @returns The batches; the last one's `through` is `upTo`. None when there is nothing to scan.
 * @throws {LogCorruptionError} If the log is damaged, after what stands before was handed out.
 */
export async function* scanEvents(
  options: ScanOptions,
): AsyncGenerator<EventBatch, void, void> {
  const { query } = options;
  const wanted = typesOf(query);
  const parsesAll = wanted === undefined;
  const mustMatch = query !== "all" && !wanted?.suffices;
  const pick = (line: EventLine): StoredEvent | undefined => {
    const type = parsesAll ? undefined : typeOfLine(line);
    if (type !== undefined && !wanted?.types.has(type)) return undefined;
    const event = parseLine(line);
    // A type that had to be parsed to be known was not checked yet.
    const isAsked = mustMatch || (type === undefined && !parsesAll)
      ? matchesQuery(query, event)
      : true;
    return isAsked ? event : undefined;
  };
  for await (const { items, ...rest } of scan(options, pick)) {
    yield { events: items, ...rest };
  }
}

/** An event as its line in the log, parsed when it is asked for. */
export class LineEvent implements UnparsedEvent {
  /**
   * @param position Its position.
   * @param type Its type.
   * @param text Its line, without the line end.
   */
  constructor(
    readonly position: Position,
    readonly type: string,
    readonly text: string,
  ) {}

  /** Parses it, anew with each call. */
  parse(): StoredEvent {
    return parseEventText(this.text, this.position);
  }
}

/**
 * Like {@linkcode scanEvents}, but hands out the lines, for readers that do not need to look into
 * every event. Where hardly any matches, it hands out small and empty batches: a rebuild rests,
 * pauses, stops and gives signs of life between them.
 *
 * @param options What to scan; `types` instead of a query.
 * @returns The batches; the last one's `through` is `upTo`. None when there is nothing to scan.
 * @throws {LogCorruptionError} If the log is damaged, after what stands before was handed out.
 */
export async function* scanLines(
  options: Omit<ScanOptions, "query"> & { readonly types: ReadonlySet<string> },
): AsyncGenerator<UnparsedBatch, void, void> {
  const { types } = options;
  const pick = (line: EventLine): LineEvent | undefined => {
    const type = typeOfLine(line);
    if (type !== undefined) {
      return types.has(type)
        ? new LineEvent(line.position, type, textOfLine(line))
        : undefined;
    }
    const event = parseLine(line);
    return types.has(event.type)
      ? new LineEvent(line.position, event.type, textOfLine(line))
      : undefined;
  };
  const lookedAtMax = options.batchSize * LOOKED_AT_PER_BATCH;
  for await (const { items, ...rest } of scan(options, pick, lookedAtMax)) {
    yield { events: items, ...rest };
  }
}

/** What a scan hands out at a time. */
interface Picked<T> {
  readonly items: T[];
  readonly through: Position;
  readonly throughId?: string;
  readonly bytes: number;
}

async function* scan<T>(
  options: Omit<ScanOptions, "query">,
  pick: (line: EventLine) => T | undefined,
  lookedAtMax = Infinity,
): AsyncGenerator<Picked<T>, void, void> {
  const { after, upTo, batchSize, signal } = options;
  if (after >= upTo) return;
  const yielder = new Yielder();
  using cursor = new LogCursor(options);
  cursor.seek(after + 1);
  let items: T[] = [];
  let bytes = 0;
  let through = after;
  let handedOut = after;
  try {
    for (let run = cursor.read(); run; run = cursor.read()) {
      signal?.throwIfAborted();
      for (const line of eventLines(run, after)) {
        const { position } = line;
        const picked = pick(line);
        if (picked !== undefined) {
          items.push(picked);
          bytes += line.end - line.start + 1;
        }
        if (position === upTo) {
          yield { items, through: upTo, throughId: idOfLine(line), bytes };
          return;
        }
        const isFull = items.length >= batchSize || bytes >= BATCH_BYTES_MAX;
        if (isFull || position - handedOut >= lookedAtMax) {
          const throughId = idOfLine(line);
          yield { items, through: position, throughId, bytes };
          signal?.throwIfAborted();
          items = [];
          bytes = 0;
          handedOut = position;
        }
        through = position;
      }
      if (yielder.isDue) await yielder.yieldIfDue();
    }
  } catch (error) {
    const corruption = asCorruption(error, cursor);
    const isOfLog = corruption instanceof LogCorruptionError ||
      corruption instanceof LogReadError;
    if (isOfLog && items.length > 0) {
      // What stands before the damage is good, and owed to the reader.
      yield { items, through, bytes };
    }
    throw corruption;
  }
}

/** Damage that shows only in the lines, told like any other. */
export function asCorruption(error: unknown, cursor: LogCursor): unknown {
  if (!(error instanceof EventLinesError)) return error;
  const { position, message: what } = error;
  const file = cursor.segment?.file ?? "events";
  const damage = { file, offset: cursor.runOffset, position, what };
  return new LogCorruptionError(damage, { cause: error });
}
