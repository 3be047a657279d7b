/**
 * The faults of projections: on which event each stands still, and when it is tried again.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { errorType } from "../telemetry/error_type.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Checkpoint } from "./definition.ts";
import type { ApplyLocation } from "./definition_code.ts";
import { type ProjectionApplyError, SuspectedEventError } from "./errors.ts";
import type { ProjectionFault } from "./projections.ts";

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 300_000;

/** What faults are told to, and timed by. */
export interface FaultsOptions {
  /** Times the retries. */
  readonly clock: Clock;
  /** Told of every fault. */
  readonly logger: Logger;
  /** Counts faults. */
  readonly telemetry: Telemetry;
}

/** A fault, and when to try again. */
interface FaultRecord {
  readonly fault: ProjectionFault;
  readonly retryAtMs: number;
  /** The generation that it happened in: a rebuilt one is tried at once. */
  readonly generation: number;
}

/** The faults by projection. */
export class Faults {
  readonly #options: FaultsOptions;
  readonly #records = new Map<string, FaultRecord>();
  /** Faults that were logged, until it is logged that they are over. */
  readonly #told = new Map<
    string,
    Pick<ApplyLocation, "position" | "type">
  >();

  /** @param options What they are told to. */
  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** Why a projection stands still, or `null`. */
  get(name: string): ProjectionFault | null {
    return this.#records.get(name)?.fault ?? null;
  }

  /** Forgets a projection's fault: it goes on, or there is nothing to try. */
  forget(name: string): void {
    this.#records.delete(name);
  }

  /**
   * Forgets a projection's fault as it is past it, and says so, once.
   *
   * @param name The projection.
   * @param checkpoint How far it is.
   */
  overcome(name: string, checkpoint: Checkpoint): void {
    this.forget(name);
    const told = this.#told.get(name);
    if (told === undefined || told.position > checkpoint) return;
    this.#told.delete(name);
    this.#options.logger.log(
      "info",
      "Projection is past its fault, and goes on",
      { projection: name, position: told.position, eventType: told.type },
    );
  }

  /**
   * Whether a projection is not to be tried yet.
   *
   * @param name The projection.
   * @param generation The number of its current generation.
   * @param checkpoint How far that is. Another process may have applied the event.
   */
  isResting(
    name: string,
    generation: number,
    checkpoint: Checkpoint,
  ): boolean {
    const record = this.#records.get(name);
    if (record === undefined) return false;
    if (record.fault.position <= checkpoint) {
      this.overcome(name, checkpoint);
      return false;
    }
    return record.generation === generation &&
      record.retryAtMs > this.#options.clock.monotonicMs();
  }

  /**
   * When the earliest is to be tried again, in monotonic milliseconds. One that ought to have
   * been tried already is not hurried: whatever kept it would do so again.
   */
  nextRetryAtMs(): number {
    const earliestMs = this.#options.clock.monotonicMs() + RETRY_MS_MIN;
    let nextMs = Infinity;
    for (const { retryAtMs } of this.#records.values()) {
      nextMs = Math.min(nextMs, Math.max(retryAtMs, earliestMs));
    }
    return nextMs;
  }

  /** Tries a projection again later, if it is faulted, as something else than its event failed. */
  postpone(name: string): void {
    const record = this.#records.get(name);
    if (!record) return;
    const retryAtMs = this.#options.clock.monotonicMs() + RETRY_MS_MIN;
    if (record.retryAtMs >= retryAtMs) return;
    this.#records.set(name, { ...record, retryAtMs });
  }

  /**
   * Takes note of a fault, and says so.
   *
   * @param error What happened.
   * @param event On which event.
   * @param generation In which generation.
   */
  record(
    { projectionName: name, message, cause }: ProjectionApplyError,
    event: ApplyLocation,
    generation: number,
  ): void {
    const { clock, logger, telemetry } = this.#options;
    const attempts = (this.get(name)?.attempts ?? 0) + 1;
    // Trying it again might end this process as well.
    const retryMs = cause instanceof SuspectedEventError
      ? Infinity
      : Math.min(RETRY_MS_MIN * 2 ** (attempts - 1), RETRY_MS_MAX);
    const retryAt = retryMs === Infinity
      ? null
      : new Date(clock.now().getTime() + retryMs).toISOString();
    const fault = {
      position: event.position,
      eventType: event.type,
      message,
      at: clock.now().toISOString(),
      attempts,
      retryAt,
    };
    this.#records.set(name, {
      fault: Object.freeze(fault),
      retryAtMs: clock.monotonicMs() + retryMs,
      generation,
    });
    this.#told.set(name, { position: event.position, type: event.type });
    telemetry.projectionFaults.add(1, {
      [ATTRIBUTES.projectionName]: name,
      [ATTRIBUTES.errorType]: errorType(cause),
    });
    logger.log(
      "error",
      "Projection faulted: it stands still until the event can be applied",
      {
        projection: name,
        position: event.position,
        eventType: event.type,
        error: cause ?? message,
        // Once: it is tried again and again.
        stack: attempts === 1 && cause instanceof Error
          ? cause.stack
          : undefined,
        attempts,
        retryAt,
      },
    );
  }
}
