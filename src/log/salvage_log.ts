/**
 * What can still be read of a damaged log, and what is lost of it.
 *
 * @module
 */
import type { Position, StoredEvent } from "../events/event.ts";
import { eventLines, EventLinesError, parseLine } from "./event_lines.ts";
import {
  examineLog,
  type ExamineLogOptions,
  type LogExamination,
} from "./examine_log.ts";
import type { FrameRun } from "./frame_reader.ts";

/** Consecutive positions. */
export interface Positions {
  readonly first: Position;
  readonly last: Position;
}

/** Takes what can be read, in order of position and without a gap. */
export interface SalvageSink {
  /** Takes the events of one append. */
  events(events: readonly StoredEvent[]): void | Promise<void>;
  /** Takes positions whose events are lost. */
  lost(positions: Positions): void | Promise<void>;
}

/** What is left of a log. */
export interface SalvagedLog extends LogExamination {
  /** Position of the last event that was ever acknowledged, as far as anything tells. */
  readonly head: Position;
  /** How many events can be read. */
  readonly events: number;
  /** The positions whose events are lost. */
  readonly lost: readonly Positions[];
}

/**
 * Reads all whole appends of a log, before and behind whatever is damaged. Only those count whose
 * checksum is right: nothing proves the rest. Changes nothing.
 *
 * @param options Which log.
 * @param sink Takes what can be read. @default {nobody}
 * @returns What is left of it.
 */
export async function salvageLog(
  options: ExamineLogOptions,
  sink?: SalvageSink,
): Promise<SalvagedLog> {
  const lost: Positions[] = [];
  let next: Position = 1;
  let events = 0;
  const lose = async (last: Position) => {
    if (last < next) return;
    lost.push({ first: next, last });
    await sink?.lost({ first: next, last });
    next = last + 1;
  };
  const examination = await examineLog({
    ...options,
    async onRun(segment, run) {
      await options.onRun?.(segment, run);
      for (const append of appendsOf(run)) {
        // What came before is old content, or a segment that is there twice.
        const [first] = append;
        if (first === undefined || first.position < next) continue;
        await lose(first.position - 1);
        await sink?.events(append);
        events += append.length;
        next += append.length;
      }
    },
  });
  await lose(examination.report.head);
  return { ...examination, head: next - 1, events, lost };
}

/** The events of each append; those whose lines are malformed are left out. */
function* appendsOf(run: FrameRun): Generator<StoredEvent[]> {
  const base = run.frames[0]?.offset ?? 0;
  for (const frame of run.frames) {
    const start = frame.offset - base;
    const end = start + frame.headerBytes + frame.bytes;
    // Copied, since lines are looked at in words that begin with the buffer.
    const bytes = run.bytes.slice(start, end);
    try {
      yield Array.from(eventLines({ frames: [frame], bytes }, 0), parseLine);
    } catch (error) {
      if (!(error instanceof EventLinesError)) throw error;
    }
  }
}
