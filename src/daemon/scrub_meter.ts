/**
 * How far a scrub is.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { ScrubProgress } from "./scrub.ts";

/** What it counts. */
export interface ScrubMeterOptions {
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** Position of the last event when it began. */
  readonly head: Position;
  /** How many projections are looked at, after the log. */
  readonly projections: number;
  /** Told whenever it has moved on; what it throws ends the scrub. */
  readonly onProgress: (progress: ScrubProgress) => void;
}

/** The share of the work that the log is, in percent, about: rows are read as often as events. */
const LOG_PERCENT = 50;

/** Counts what a scrub has looked at. */
export class ScrubMeter {
  readonly #options: ScrubMeterOptions;
  #events = 0;
  #projectionName: string | null = null;
  #projectionsChecked = 0;
  #documentsChecked = 0;
  #documents = 0;

  /** @param options What it counts. */
  constructor(options: ScrubMeterOptions) {
    this.#options = options;
  }

  /** How far it is. */
  get progress(): ScrubProgress {
    const { startedAt, head, projections } = this.#options;
    return Object.freeze({
      startedAt,
      phase: this.#projectionName === null ? "log" : "projections",
      eventsChecked: this.#events,
      events: head,
      projectionName: this.#projectionName,
      projectionsChecked: this.#projectionsChecked,
      projections,
      documentsChecked: this.#documentsChecked,
      documents: this.#documents,
      percent: this.#percent,
    });
  }

  /** So many more events of the log were looked at. */
  addEvents(events: number): void {
    // What was appended since it began may be read as well.
    this.#events = Math.min(this.#events + events, this.#options.head);
    this.#tell();
  }

  /** Goes on with a projection. */
  begin(projectionName: string): void {
    this.#projectionName = projectionName;
    this.#documentsChecked = 0;
    this.#documents = 0;
    this.#tell();
  }

  /**
   * Documents of the projection at hand were looked at.
   *
   * @param checked How many of the generation at hand.
   * @param documents How many that has, as it says.
   */
  documents(checked: number, documents: number): void {
    this.#documentsChecked = checked;
    this.#documents = documents;
    this.#tell();
  }

  /** The projection at hand was looked at. */
  end(): void {
    this.#projectionsChecked++;
    this.#tell();
  }

  get #percent(): number {
    const { head, projections } = this.#options;
    if (this.#projectionName === null) {
      return Math.floor(LOG_PERCENT * this.#events / Math.max(head, 1));
    }
    // Which documents are how long nobody knows before.
    const share = this.#projectionsChecked / Math.max(projections, 1);
    return Math.floor(LOG_PERCENT + (100 - LOG_PERCENT) * share);
  }

  #tell(): void {
    this.#options.onProgress(this.progress);
  }
}
