/**
 * What came of the last repair of each projection, for as long as the process lives: a repair
 * changes one generation at once or not at all, so that whoever misses the outcome asks for
 * another.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { ProjectionLastRepair } from "../projections/build_info.ts";
import type { RebuiltKeys, RepairOutcome } from "./rebuilt_keys.ts";
import { toFailure } from "./task_outcomes.ts";

/** A repair that has ended. */
export interface EndedRepair {
  /** The projection. */
  readonly name: string;
  /** Whether documents were looked for, rather than given by their keys. */
  readonly isRepair: boolean;
  /** When it was asked for, ISO 8601. */
  readonly startedAt: string;
}

/** Keeps what came of the last repair of each projection. */
export class LastRepairs {
  readonly #clock: Clock;
  readonly #outcomes = new Map<string, RepairOutcome>();

  /** @param clock Tells when they ended. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What came of the last repair of a projection, if there was one. */
  of(name: string): RepairOutcome | undefined {
    return this.#outcomes.get(name);
  }

  /** A repair has done what it was asked for. */
  succeeded(ended: EndedRepair, rebuilt: RebuiltKeys): void {
    const changed = rebuilt.keys.filter(({ change }) => change !== "unchanged");
    this.#add(ended, {
      outcome: "succeeded",
      keys: rebuilt.keys.length,
      keysChanged: changed.length,
      error: null,
    }, rebuilt);
  }

  /**
   * A repair has changed nothing.
   *
   * @param ended The repair.
   * @param error Why.
   * @param isCancelled Whether somebody gave it up.
   */
  failed(ended: EndedRepair, error: unknown, isCancelled: boolean): void {
    this.#add(ended, {
      outcome: isCancelled ? "cancelled" : "failed",
      keys: 0,
      keysChanged: 0,
      error: toFailure(error),
    }, null);
  }

  #add(
    { name, isRepair, startedAt }: EndedRepair,
    outcome: Pick<
      ProjectionLastRepair,
      "outcome" | "keys" | "keysChanged" | "error"
    >,
    rebuilt: RebuiltKeys | null,
  ): void {
    const last = Object.freeze({
      scope: isRepair ? "missingOrDamaged" : "givenKeys",
      startedAt,
      completedAt: this.#clock.now().toISOString(),
      ...outcome,
    });
    this.#outcomes.set(name, Object.freeze({ last, rebuilt }));
  }
}
