/**
 * The spans of the last appends by position: whoever applies events links to those that brought
 * them. Bounded, and empty while nobody takes spans.
 *
 * @module
 */
import { trace } from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import { contextOf, type OpenSpan, type TelemetryContext } from "./spans.ts";

/** So many appends are remembered. */
const APPENDS_MAX = 1_024;

/** So many of them are told at a time: backends show each. */
export const LINKS_MAX = 32;

interface AppendSpan {
  readonly first: number;
  readonly last: number;
  readonly context: TelemetryContext;
}

/** Remembers the spans of appends. */
export class AppendSpans {
  /** In the order in which they became durable, which is that of their positions. */
  readonly #spans: AppendSpan[] = [];
  /** Where the oldest is, once there are as many as may be. */
  #oldest = 0;

  /**
   * Takes note of an append.
   *
   * @param span Its span, while it is open.
   * @param first Position of its first event.
   * @param last Position of its last event.
   */
  note(span: OpenSpan, first: number, last: number): void {
    if (!span.isRecording) return;
    harmless(() => {
      const spanContext = trace.getSpanContext(span.context);
      if (spanContext === undefined) return;
      // The context alone: the span itself would be held in memory long after its end.
      const noted = { first, last, context: contextOf(spanContext) };
      if (this.#spans.length < APPENDS_MAX) this.#spans.push(noted);
      else {
        this.#spans[this.#oldest] = noted;
        this.#oldest = (this.#oldest + 1) % APPENDS_MAX;
      }
    });
  }

  /**
   * The appends that brought the events of a range, as far as they are remembered.
   *
   * @param after Where the range begins, exclusive.
   * @param through Where it ends, inclusive.
   * @returns The last ones of them, at most {@linkcode LINKS_MAX}, the newest first.
   */
  within(after: number, through: number): TelemetryContext[] {
    const found: TelemetryContext[] = [];
    const count = this.#spans.length;
    for (let i = 1; i <= count && found.length < LINKS_MAX; i++) {
      const noted = this.#spans[(this.#oldest + count - i) % count];
      // What came before ends before, too.
      if (noted === undefined || noted.last <= after) break;
      if (noted.first <= through) found.push(noted.context);
    }
    return found;
  }
}
