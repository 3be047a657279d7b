/**
 * The span of an operation: where it stands in which trace, and what it tells in the end.
 *
 * @module
 */
import { ATTRIBUTES, SPAN_EVENTS, SPANS } from "../telemetry/names.ts";
import type { OpenSpan } from "../telemetry/spans.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { fromTraceparent } from "../telemetry/trace_parent.ts";
import type {
  OperationState,
  PlannedRebuild,
  ProjectionRebuildDetail,
  RebuildTrigger,
} from "./operation.ts";

/** So many projections of a plan are noted one by one. */
const PLANNED_MAX = 64;

/** An operation that begins. */
export interface OperationSpanOptions {
  readonly operationId: string;
  readonly trigger: RebuildTrigger;
  readonly concurrency: number;
  /** Whether it goes on with, or is, an operation of a process that has ended. */
  readonly isContinued: boolean;
  /** Where the span of that one stands, if it had any. */
  readonly traceparent: string | undefined;
  /** What goes with it. */
  readonly tracestate: string | undefined;
  /** Whether nobody asks, but the program itself. */
  readonly isAutomatic: boolean;
}

/**
 * Opens the span of an operation: under the request that asked, or under the operation that it
 * goes on with, however many processes ago that began.
 *
 * @param telemetry Takes it.
 * @param options The operation.
 * @returns The span.
 */
export function openOperationSpan(
  telemetry: Telemetry,
  options: OperationSpanOptions,
): OpenSpan {
  const { operationId, trigger, concurrency } = options;
  const before = fromTraceparent(options.traceparent, options.tracestate);
  // Who makes an operation go on that was there before is not where it comes from.
  const isOwn = options.isContinued || options.isAutomatic;
  const parent = before ?? (isOwn ? "none" : undefined);
  return telemetry.startSpan(SPANS.rebuild, {
    attributes: {
      [ATTRIBUTES.operationId]: operationId,
      [ATTRIBUTES.rebuildTrigger]: trigger,
      [ATTRIBUTES.rebuildConcurrency]: concurrency,
    },
    ...(parent === undefined ? {} : { parent }),
    ...(before === undefined ? {} : { links: [before] }),
  });
}

/**
 * Notes what is to be rebuilt, and why.
 *
 * @param span The span of the plan.
 * @param wanted What is to be rebuilt.
 */
export function tellPlan(
  span: OpenSpan,
  wanted: readonly PlannedRebuild[],
): void {
  if (!span.isRecording) return;
  span.setAttributes({
    [ATTRIBUTES.projectionCount]: wanted.length,
    [ATTRIBUTES.eventCount]: wanted.reduce(
      (sum, { events }) => sum + events,
      0,
    ),
  });
  for (
    const { projectionName, reason, events } of wanted.slice(0, PLANNED_MAX)
  ) {
    span.addEvent(SPAN_EVENTS.planned, {
      [ATTRIBUTES.projectionName]: projectionName,
      [ATTRIBUTES.rebuildReason]: reason,
      [ATTRIBUTES.eventCount]: events,
    });
  }
}

/**
 * Tells how an operation ended, and ends its span.
 *
 * @param span The span of the operation.
 * @param state How it ended.
 * @param details How each of its projections did.
 */
export function endOperationSpan(
  span: OpenSpan,
  state: OperationState,
  details: readonly ProjectionRebuildDetail[],
): void {
  span.setAttributes({
    [ATTRIBUTES.rebuildOutcome]: state,
    [ATTRIBUTES.eventCount]: details.reduce(
      (sum, { eventsProcessed }) => sum + eventsProcessed,
      0,
    ),
  });
  const error = details.find((detail) => detail.error !== null)?.error;
  if (error) span.failAs(error.name);
  span.end();
}
