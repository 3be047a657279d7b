/**
 * How far projections are and how large, for those who collect metrics: often, cheaply, and without
 * failing for one that cannot be read.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Position } from "../events/event.ts";
import type { EventStore } from "../events/event_store.ts";
import { Yielder } from "../storage/yielder.ts";
import type { ProjectionObservation } from "../telemetry/observers.ts";
import { ProjectionDamagedError, ProjectionNotBuiltError } from "./errors.ts";
import type { LiveUpdater } from "./live_updater.ts";
import type { GenerationStatus, ProjectionStore } from "./projection_store.ts";
import type { ProjectionRegistry } from "./registry.ts";

/** What they are read from. */
export interface ProjectionGaugesOptions {
  readonly registry: Pick<ProjectionRegistry, "names">;
  readonly store: Pick<ProjectionStore, "isOpen" | "withCurrent">;
  readonly events: Pick<EventStore, "head">;
  /** Knows which ones stand still, and what the registered definitions build. */
  readonly live: Pick<LiveUpdater, "fault" | "isCurrent">;
  /** Times how long numbers are good for. */
  readonly clock: Pick<Clock, "monotonicMs">;
}

interface Numbers extends
  Pick<
    GenerationStatus,
    "checkpoint" | "documents" | "bytes" | "deadLetters"
  > {
  /** Whether another definition made them, or another log. */
  readonly isForeign: boolean;
}

/** What was read of a projection, and when. */
interface Reading {
  readonly numbers: Numbers;
  readonly atMs: number;
}

/**
 * Of one that is absent, or damaged as a whole. It is not stale, as nothing serves: all of the log
 * is still to come, which tells of it.
 */
const NOTHING: Numbers = {
  checkpoint: 0,
  documents: 0,
  bytes: 0,
  deadLetters: 0,
  isForeign: false,
};

/**
 * More projections than databases may be open at a time: those that were closed are opened for
 * metrics once in so many milliseconds. Who moves one here has it open.
 */
const REOPEN_MS = 60_000;

/** Reads the numbers of all projections. */
export class ProjectionGauges {
  readonly #options: ProjectionGaugesOptions;
  readonly #readings = new Map<string, Reading>();

  /** @param options What they are read from. */
  constructor(options: ProjectionGaugesOptions) {
    this.#options = options;
  }

  /**
   * The numbers of all projections. One that cannot be read just now is told as it was last, or
   * left out.
   *
   * @returns What is observed.
   */
  async observe(): Promise<ProjectionObservation[]> {
    const { registry, events, live } = this.#options;
    const head = await events.head();
    const observed: ProjectionObservation[] = [];
    // Opening hundreds of databases must not keep requests waiting.
    const yielder = new Yielder();
    for (const name of registry.names) {
      await yielder.yieldIfDue();
      const numbers = await this.#numbersOf(name);
      if (!numbers) continue;
      const fault = live.fault(name);
      observed.push({
        name,
        ...distanceOf(numbers, head),
        isFaulted: fault !== null,
        // Ahead of the log: it was made of another one. As `info()` has it.
        isStale: numbers.isForeign || numbers.checkpoint > head,
        deadLetters: numbers.deadLetters,
        documents: numbers.documents,
        bytes: numbers.bytes,
      });
    }
    return observed;
  }

  async #numbersOf(name: string): Promise<Numbers | undefined> {
    const { store, live, clock } = this.#options;
    const last = this.#readings.get(name);
    const atMs = clock.monotonicMs();
    const isGood = last && atMs - last.atMs < REOPEN_MS;
    if (isGood && !store.isOpen(name)) return last.numbers;
    try {
      const numbers = await store.withCurrent(
        name,
        async (generation) => ({
          ...await generation.status(),
          isForeign: !live.isCurrent(generation.identity),
        }),
      );
      this.#readings.set(name, { numbers, atMs });
      return numbers;
    } catch (error) {
      const isGone = error instanceof ProjectionNotBuiltError ||
        error instanceof ProjectionDamagedError;
      if (!isGone) return last?.numbers;
      this.#readings.delete(name);
      return NOTHING;
    }
  }
}

function distanceOf(
  { checkpoint }: Numbers,
  head: Position,
): Pick<ProjectionObservation, "position" | "lag"> {
  return { position: checkpoint, lag: Math.max(head - checkpoint, 0) };
}
