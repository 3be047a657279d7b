/**
 * The span of one projection's rebuild: what happens to it on the way, and how it ends. Whether it
 * moves stands in the log, too.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import { ProjectionApplyError } from "../projections/errors.ts";
import type { ProjectionRegistry } from "../projections/registry.ts";
import { errorType } from "../telemetry/error_type.ts";
import { type Logger, silentLogger } from "../telemetry/logger.ts";
import {
  ATTRIBUTES,
  SPAN_EVENTS,
  type SpanEventName,
  SPANS,
} from "../telemetry/names.ts";
import { type OpenSpan, runInContext } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { type BuildTask, STALLED_MS } from "./build_task.ts";

/** So much of what happens is noted: operators may order without end. */
const EVENTS_MAX = 32;

/** What is needed. */
export interface BuildSpanOptions {
  readonly registry: ProjectionRegistry;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Opens the span of a task's work. It ends by itself when the task ends, or waits to be promoted.
 *
 * @param options What is needed.
 * @param task The task.
 * @returns The span.
 */
export function openBuildSpan(
  { registry, telemetry, logger, clock }: BuildSpanOptions,
  task: BuildTask,
): OpenSpan {
  const { projectionName, reason } = task;
  const span = telemetry.startSpan(SPANS.rebuildProjection, {
    parent: task.context,
    attributes: {
      [ATTRIBUTES.projectionName]: projectionName,
      [ATTRIBUTES.projectionVersion]: registry.get(projectionName).version,
      [ATTRIBUTES.rebuildReason]: reason,
    },
  });
  task.workContext = span.context;
  const isWatched = span.isRecording || logger !== silentLogger;
  const watching = isWatched ? watch(span, task, { clock, logger }) : undefined;
  task.resting.then(() => {
    watching?.[Symbol.dispose]();
    tellEnd(span, task);
    span.end();
  });
  return span;
}

/** Notes what happens to a task until it is disposed of. */
function watch(
  span: OpenSpan,
  task: BuildTask,
  { clock, logger }: Pick<BuildSpanOptions, "clock" | "logger">,
): Disposable {
  let left = EVENTS_MAX;
  const note = (name: SpanEventName) => {
    if (left-- <= 0) return;
    span.addEvent(name, {
      [ATTRIBUTES.positionLast]: task.progress().position,
    });
  };
  const over = new AbortController();
  let linesLeft = EVENTS_MAX;
  const tellStall = (isStalled: boolean) => {
    if (isStalled) note(SPAN_EVENTS.stalled);
    if (linesLeft-- <= 0) return;
    const { projectionName, operationId } = task;
    const words = isStalled
      ? `has not moved for ${STALLED_MS / 1_000} seconds`
      : "moves again";
    runInContext(span.context, () =>
      logger.log(
        isStalled ? "warn" : "info",
        `Rebuild of projection '${projectionName}' ${words}`,
        {
          operationId,
          projection: projectionName,
          checkpoint: task.progress().position,
        },
      ));
  };
  void watchStalls(task, clock, over.signal, tellStall);
  const pauses = task.onPause(() =>
    note(task.isPaused ? SPAN_EVENTS.paused : SPAN_EVENTS.resumed)
  );
  return {
    [Symbol.dispose]: () => {
      over.abort();
      pauses[Symbol.dispose]();
    },
  };
}

/** Tells whenever a task begins to stand still, and when it goes on by itself. */
async function watchStalls(
  task: BuildTask,
  clock: Clock,
  over: AbortSignal,
  tell: (isStalled: boolean) => void,
): Promise<void> {
  let wasStalled = false;
  while (!over.aborted) {
    await clock.sleep(STALLED_MS / 2, over);
    if (over.aborted) return;
    const { stalled } = task.progress();
    // One that is paused meanwhile does not move, either.
    if (stalled !== wasStalled && !task.isPaused) tell(stalled);
    wasStalled = stalled;
  }
}

function tellEnd(span: OpenSpan, task: BuildTask): void {
  if (!span.isRecording) return;
  const { thrown, firstPosition } = task;
  const { phase, position, eventsProcessed, eventsScanned, runsIn } = task
    .progress();
  span.setAttributes({
    [ATTRIBUTES.rebuildOutcome]: phase,
    [ATTRIBUTES.eventCount]: eventsProcessed,
    [ATTRIBUTES.eventsScanned]: eventsScanned,
    ...(position === firstPosition ? {} : {
      [ATTRIBUTES.positionFirst]: firstPosition + 1,
      [ATTRIBUTES.positionLast]: position,
    }),
    ...(runsIn === null ? {} : { [ATTRIBUTES.rebuildRunsIn]: runsIn }),
  });
  if (phase === "awaitingPromotion") {
    span.addEvent(SPAN_EVENTS.awaitingPromotion);
  }
  if (thrown === undefined) return;
  if (thrown instanceof ProjectionApplyError) {
    span.setAttributes({
      [ATTRIBUTES.errorPosition]: thrown.event.position,
      [ATTRIBUTES.errorEventType]: thrown.event.type,
      [ATTRIBUTES.errorCause]: errorType(thrown.cause),
    });
  }
  span.fail(thrown);
}
