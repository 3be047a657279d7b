/**
 * Reads the log from one position to another in batches: the hot path of rebuilds.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import type { EventBatch } from "../events/event_store.ts";
import { matchesQuery, type Query } from "../events/query.ts";
import { LogCorruptionError } from "./errors.ts";
import {
  eventLines,
  EventLinesError,
  parseLine,
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
  const { query, after, upTo, batchSize, signal } = options;
  if (after >= upTo) return;
  const wanted = typesOf(query);
  const parsesAll = wanted === undefined;
  const mustMatch = query !== "all" && !wanted?.suffices;
  const yielder = new Yielder();
  using cursor = new LogCursor(options);
  cursor.seek(after + 1);
  let events: StoredEvent[] = [];
  let bytes = 0;
  let through = after;
  try {
    for (let run = cursor.read(); run; run = cursor.read()) {
      signal?.throwIfAborted();
      for (const line of eventLines(run, after)) {
        const { position } = line;
        const type = parsesAll ? undefined : typeOfLine(line);
        if (type === undefined || wanted?.types.has(type)) {
          const event = parseLine(line);
          // A type that had to be parsed to be known was not checked yet.
          const isAsked = mustMatch || (type === undefined && !parsesAll)
            ? matchesQuery(query, event)
            : true;
          if (isAsked) {
            events.push(event);
            bytes += line.end - line.start + 1;
          }
        }
        if (position === upTo) {
          yield { events, through: upTo, bytes };
          return;
        }
        if (events.length >= batchSize || bytes >= BATCH_BYTES_MAX) {
          yield { events, through: position, bytes };
          signal?.throwIfAborted();
          events = [];
          bytes = 0;
        }
        through = position;
      }
      if (yielder.isDue) await yielder.yieldIfDue();
    }
  } catch (error) {
    const corruption = asCorruption(error, cursor);
    if (corruption instanceof LogCorruptionError && events.length > 0) {
      // What stands before the damage is good, and owed to the reader.
      yield { events, through, bytes };
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
