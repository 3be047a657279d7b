/**
 * The place of a span in its trace as a text, to be kept where the process does not outlast the
 * work: W3C's `traceparent` and `tracestate`.
 *
 * @module
 */
import {
  createTraceState,
  isSpanContextValid,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { harmless } from "./harmless.ts";
import { contextOf, type TelemetryContext } from "./spans.ts";

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Where the span of a context stands.
 *
 * @param context The context.
 * @returns The text, or `undefined` when it has no span in any trace.
 */
export function toTraceparent(context: TelemetryContext): string | undefined {
  let text: string | undefined;
  harmless(() => {
    const span = trace.getSpanContext(context);
    if (span === undefined || !isSpanContextValid(span)) return;
    // Other flags are not ours to pass on.
    const flags = span.traceFlags & TraceFlags.SAMPLED;
    text = `00-${span.traceId}-${span.spanId}-0${flags}`;
  });
  return text;
}

/** W3C lets more be cut off. */
const TRACESTATE_LENGTH_MAX = 512;

/**
 * What the systems that the trace came through have to say of the span of a context.
 *
 * @param context The context.
 * @returns The text, or `undefined` when they say nothing.
 */
export function toTracestate(context: TelemetryContext): string | undefined {
  let text: string | undefined;
  harmless(() => text = trace.getSpanContext(context)?.traceState?.serialize());
  return text && text.length <= TRACESTATE_LENGTH_MAX ? text : undefined;
}

/**
 * A context in which that span is the parent.
 *
 * @param text The text; whatever was found in a file.
 * @param state What other systems have to say of it; likewise. @default {nothing}
 * @returns The context, or `undefined` when the text names no span.
 */
export function fromTraceparent(
  text: unknown,
  state?: unknown,
): TelemetryContext | undefined {
  const [, traceId, spanId, flags] =
    TRACEPARENT.exec(typeof text === "string" ? text : "") ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  const traceFlags = parseInt(flags ?? "", 16) & TraceFlags.SAMPLED;
  const span = {
    traceId,
    spanId,
    traceFlags,
    isRemote: true,
    // It leaves out by itself what is no such text.
    ...(typeof state === "string"
      ? { traceState: createTraceState(state) }
      : {}),
  };
  return isSpanContextValid(span) ? contextOf(span) : undefined;
}
