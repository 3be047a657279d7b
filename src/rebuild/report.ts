/**
 * What logs and metrics are told of rebuilds.
 *
 * @module
 */
import { errorTypeNamed } from "../telemetry/error_type.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ATTRIBUTES } from "../telemetry/names.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BuildTask } from "./build_task.ts";
import type {
  PlannedRebuild,
  ProjectionRebuildDetail,
  ProjectionRebuildResult,
  RebuildTrigger,
} from "./operation.ts";
import { forLog, stackForLog } from "./task_outcomes.ts";

/** An operation that begins. */
export interface BegunRebuild {
  /** The operation. */
  readonly operationId: string;
  /** Who asked. */
  readonly trigger: RebuildTrigger;
  /** What it rebuilds. */
  readonly wanted: readonly PlannedRebuild[];
  /** How many at once. */
  readonly concurrency: number;
}

/** Tells logs and metrics of rebuilds. */
export class RebuildReporter {
  readonly #logger: Logger;
  readonly #telemetry: Telemetry;
  /** Events that were counted of what is under way, by projection. */
  readonly #counted = new Map<string, number>();

  /**
   * @param logger Takes the messages.
   * @param telemetry Takes the measurements.
   */
  constructor(logger: Logger, telemetry: Telemetry) {
    this.#logger = logger;
    this.#telemetry = telemetry;
  }

  /** Tells that an operation begins; says nothing when there is nothing to do. */
  begun({ operationId, trigger, wanted, concurrency }: BegunRebuild): void {
    if (wanted.length === 0) return;
    this.#logger.log(
      "info",
      `Starting parallel rebuild of ${wanted.length} projections with max ` +
        `${concurrency} concurrent rebuilds`,
      {
        operationId,
        trigger,
        projections: wanted.map(({ projectionName }) => projectionName),
      },
    );
  }

  /**
   * Tells that there is nothing to rebuild.
   *
   * @param heldBack What is not up to date and left alone all the same.
   * @param asked The operation if there is one, and who asked.
   */
  nothingDue(
    heldBack: readonly PlannedRebuild[],
    { operationId, trigger }: {
      readonly operationId?: string;
      readonly trigger?: RebuildTrigger | undefined;
    },
  ): void {
    if (heldBack.length === 0) {
      this.#logger.log(
        "info",
        "All projections are up to date (no rebuilds needed)",
        { operationId, trigger },
      );
      return;
    }
    this.#logger.log(
      "info",
      "No projection is rebuilt: those that are not up to date are held back",
      {
        operationId,
        trigger,
        projections: heldBack.map(({ projectionName }) => projectionName),
      },
    );
  }

  /**
   * Tells how an operation ended.
   *
   * @param result How.
   * @param heldBack What it left alone though it is not up to date.
   */
  operation(
    result: ProjectionRebuildResult,
    heldBack: readonly PlannedRebuild[],
  ): void {
    const logger = this.#logger;
    const { operationId, totalRebuilt, details, failedProjections, success } =
      result;
    const duration = Math.round(result.duration);
    if (result.nothingToDo) {
      this.nothingDue(heldBack, { operationId });
    } else if (success) {
      logger.log(
        "info",
        `All ${totalRebuilt} projections rebuilt successfully in ${duration} ms`,
        { operationId, durationMs: duration },
      );
    } else {
      logger.log(
        "warn",
        `Projection rebuild completed with errors. Success: ${totalRebuilt}/${details.length}. ` +
          `Failed: ${failedProjections.join(", ")}`,
        { operationId, state: result.state, durationMs: duration },
      );
    }
  }

  /** Tells how far one projection's rebuild is: its end tells only what it applied since. */
  advanced({ projectionName, eventsApplied }: BuildTask): void {
    this.#count(projectionName, eventsApplied);
  }

  /** Tells how one projection's rebuild ended. */
  projection(
    detail: ProjectionRebuildDetail,
    { operationId, trigger }: Pick<BegunRebuild, "operationId" | "trigger">,
  ): void {
    const telemetry = this.#telemetry;
    const logger = this.#logger;
    const {
      projectionName,
      state,
      duration,
      eventsProcessed,
      eventsScanned,
      error,
    } = detail;
    const name = { [ATTRIBUTES.projectionName]: projectionName };
    // Anybody may have named it, with whatever it was about.
    const errorType = error
      ? { [ATTRIBUTES.errorType]: errorTypeNamed(error.name) }
      : {};
    telemetry.rebuildDuration.record(duration / 1_000, {
      ...name,
      ...errorType,
      [ATTRIBUTES.rebuildTrigger]: trigger,
      [ATTRIBUTES.rebuildOutcome]: state,
    });
    this.#count(projectionName, eventsProcessed);
    this.#counted.delete(projectionName);
    if (duration > 0 && eventsScanned > 0) {
      telemetry.rebuildRate.record(eventsScanned / (duration / 1_000), name);
    }
    const durationMs = Math.round(duration);
    const { reason } = detail;
    if (detail.success) {
      logger.log(
        "info",
        `Projection '${projectionName}' rebuilt successfully in ${durationMs} ms ` +
          `(${eventsProcessed} events)`,
        {
          operationId,
          projection: projectionName,
          state,
          reason,
          durationMs,
          events: eventsProcessed,
        },
      );
    } else if (error) {
      telemetry.rebuildFailures.add(1, { ...name, ...errorType });
      logger.log("error", `Failed to rebuild projection '${projectionName}'`, {
        operationId,
        projection: projectionName,
        state,
        reason,
        durationMs,
        events: eventsProcessed,
        error: forLog(error),
        stack: stackForLog(error),
      });
    } else {
      logger.log(
        "warn",
        `Rebuild of projection '${projectionName}' ${state}`,
        {
          operationId,
          projection: projectionName,
          state,
          reason,
          durationMs,
          events: eventsProcessed,
        },
      );
    }
  }

  #count(projectionName: string, events: number): void {
    const counted = this.#counted.get(projectionName) ?? 0;
    // Fewer than before: it had to begin anew, and what it applies twice is told once.
    const most = Math.max(events, counted);
    this.#counted.set(projectionName, most);
    this.#telemetry.rebuildEvents.add(most - counted, {
      [ATTRIBUTES.projectionName]: projectionName,
    });
  }
}
