/**
 * What the span of a scan is told on the way: how far it is, in steps, and what it stored. Both are
 * bounded, however long the scan.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import { ATTRIBUTES, SPAN_EVENTS, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { FlushTiming, PassProgress } from "./scan_pass.ts";

/** Steps that are noted of a scan, however many batches it has. */
const STEPS = 64;

/** Spans of a projection's flushes. Those beyond are in the sums only. */
export const FLUSH_SPANS_MAX = 32;

/** A projection that takes part. */
export interface NotedMember {
  readonly projectionName: string;
  /** So many spans of its flushes may be made still. */
  flushSpansLeft: number;
}

/** How one projection of a scan fares. */
export interface MemberNotes {
  /** Takes note of how far it is. */
  advance(progress: PassProgress): void;
  /** Takes note of what it stored. */
  flushed(flush: FlushTiming): void;
}

/** Notes how a scan goes. Only for one whose span is recorded. */
export class ScanNotes {
  readonly #telemetry: Telemetry;
  readonly #span: OpenSpan;
  readonly #latest: PassProgress[];
  readonly #positions: readonly Position[];
  readonly #upTo: Position;
  #step = 0;
  #flushes = 0;
  #flushMs = 0;

  /**
   * @param telemetry Takes the spans of flushes.
   * @param span The span of the scan.
   * @param positions How far each of those is that take part.
   * @param upTo Where the scan ends.
   */
  constructor(
    telemetry: Telemetry,
    span: OpenSpan,
    positions: readonly Position[],
    upTo: Position,
  ) {
    this.#telemetry = telemetry;
    this.#span = span;
    this.#positions = positions;
    this.#upTo = upTo;
    this.#latest = positions.map((position) => ({
      position,
      eventsApplied: 0,
      bytesRead: 0,
      worked: position,
    }));
    span.setAttributes({
      [ATTRIBUTES.positionFirst]: Math.min(...positions) + 1,
    });
  }

  /**
   * What one of those that take part is told about.
   *
   * @param index Which, from 0.
   * @param member It.
   */
  of(index: number, member: NotedMember): MemberNotes {
    return {
      advance: (progress) => {
        this.#latest[index] = progress;
        this.#note();
      },
      flushed: (flush) => this.#flushed(member, flush),
    };
  }

  /** Takes note that it is over. */
  end(): void {
    this.#span.setAttributes({
      ...this.#attributes(),
      [ATTRIBUTES.flushCount]: this.#flushes,
      [ATTRIBUTES.flushDuration]: this.#flushMs / 1_000,
    });
  }

  #note(): void {
    let worked = 0;
    let work = 0;
    for (const [index, latest] of this.#latest.entries()) {
      const after = this.#positions[index] ?? 0;
      worked += Math.max(latest.worked - after, 0);
      work += Math.max(this.#upTo - after, 0);
    }
    const step = Math.floor(STEPS * Math.min(worked / Math.max(work, 1), 1));
    if (step <= this.#step) return;
    this.#step = step;
    this.#span.addEvent(SPAN_EVENTS.batch, this.#attributes());
  }

  #attributes() {
    const latest = this.#latest;
    return {
      [ATTRIBUTES.positionLast]: Math.max(
        ...latest.map(({ position }) => position),
      ),
      [ATTRIBUTES.eventCount]: latest.reduce(
        (sum, { eventsApplied }) => sum + eventsApplied,
        0,
      ),
      // Those that share a worker, or this thread, read each event once.
      [ATTRIBUTES.eventBytes]: Math.max(
        ...latest.map(({ bytesRead }) => bytesRead),
      ),
    };
  }

  #flushed(member: NotedMember, flush: FlushTiming): void {
    const { startMs, endMs, position, eventsApplied } = flush;
    this.#flushes++;
    this.#flushMs += endMs - startMs;
    if (member.flushSpansLeft <= 0) return;
    member.flushSpansLeft--;
    this.#telemetry.startSpan(SPANS.rebuildFlush, {
      parent: this.#span.context,
      startMs,
      attributes: {
        [ATTRIBUTES.projectionName]: member.projectionName,
        [ATTRIBUTES.positionLast]: position,
        [ATTRIBUTES.eventCount]: eventsApplied,
      },
    }).end(endMs);
  }
}
