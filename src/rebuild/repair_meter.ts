/**
 * How far the repair of a projection's documents is.
 *
 * @module
 */
import type { Position } from "../events/event.ts";
import type { Clock } from "../events/clock.ts";
import type {
  ProjectionRepairProgress,
  RepairPhase,
} from "../projections/build_info.ts";

/** The share of the work that each phase is, from and to, in percent, about. */
const PERCENT: Readonly<Record<RepairPhase, readonly [number, number]>> = {
  queued: [0, 0],
  checking: [0, 20],
  scanning: [20, 90],
  comparing: [90, 98],
  changing: [98, 100],
};

/** What it counts. */
export interface RepairMeterOptions {
  readonly clock: Clock;
  readonly projectionName: string;
  /** Whether documents are looked for, rather than given by their keys. */
  readonly isRepair: boolean;
  /** Told whenever it has moved on; what it throws ends the work. */
  readonly onProgress: (progress: ProjectionRepairProgress) => void;
}

/** Counts what a repair has done. */
export class RepairMeter {
  readonly #options: RepairMeterOptions;
  readonly #startedAt: string;
  #phase: RepairPhase = "queued";
  #phaseMs: number;
  #documentsChecked = 0;
  #documents = 0;
  #from: Position = 0;
  #position: Position = 0;
  #target: Position = 0;
  #keys = 0;

  /** @param options What it counts. */
  constructor(options: RepairMeterOptions) {
    const { clock } = options;
    this.#options = options;
    this.#startedAt = clock.now().toISOString();
    this.#phaseMs = clock.monotonicMs();
  }

  /** How far it is. */
  get progress(): ProjectionRepairProgress {
    return Object.freeze({
      projectionName: this.#options.projectionName,
      startedAt: this.#startedAt,
      phase: this.#phase,
      documentsChecked: this.#documentsChecked,
      documents: this.#documents,
      position: this.#position,
      target: this.#target,
      keys: this.#keys,
      percent: this.#percent,
      perSecond: this.#perSecond,
    });
  }

  /** Looks at so many documents. */
  check(documents: number): void {
    this.#documents = documents;
    this.#begin("checking");
  }

  /**
   * So many documents were looked at.
   *
   * @param documents Documents, in all.
   * @param keys How many of them are to be folded anew.
   */
  checked(documents: number, keys: number): void {
    this.#documentsChecked = documents;
    this.#keys = keys;
    this.#tell();
  }

  /** Folds the log up to a position. */
  scan(target: Position): void {
    this.#target = target;
    if (this.#phase === "scanning") return this.#tell();
    this.#from = this.#position;
    this.#begin("scanning");
  }

  /**
   * The log was folded up to a position.
   *
   * @param position The position.
   * @param keys How many documents are folded anew.
   */
  scanned(position: Position, keys: number): void {
    this.#position = position;
    this.#keys = keys;
    this.#tell();
  }

  /** Compares what was folded with what serves. */
  compare(): void {
    this.#begin("comparing");
  }

  /** Changes so many documents at most, once nobody else changes any. */
  change(keys: number): void {
    this.#keys = keys;
    this.#begin("changing");
  }

  get #percent(): number {
    const [begin, end] = PERCENT[this.#phase];
    // Documents of given keys are not looked for.
    const from = this.#phase === "scanning" && !this.#options.isRepair
      ? 0
      : begin;
    const share = this.#phase === "checking"
      ? this.#documentsChecked / Math.max(this.#documents, 1)
      : this.#phase === "scanning"
      ? this.#position / Math.max(this.#target, 1)
      : 0;
    return Math.round(from + (end - from) * Math.min(share, 1));
  }

  get #perSecond(): number | null {
    const done = this.#phase === "checking"
      ? this.#documentsChecked
      : this.#phase === "scanning"
      ? this.#position - this.#from
      : 0;
    const elapsedMs = this.#options.clock.monotonicMs() - this.#phaseMs;
    return done > 0 && elapsedMs > 0
      ? Math.round(done * 1_000 / elapsedMs)
      : null;
  }

  #begin(phase: RepairPhase): void {
    this.#phase = phase;
    this.#phaseMs = this.#options.clock.monotonicMs();
    this.#tell();
  }

  #tell(): void {
    this.#options.onProgress(this.progress);
  }
}
