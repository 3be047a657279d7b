/**
 * The trace that whoever called the command line has under way.
 *
 * @module
 */
import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";

/**
 * Runs something within the span that the variables `TRACEPARENT` and `TRACESTATE` name, as
 * OpenTelemetry's conventions have it for programs that are started by others.
 *
 * @param env Reads a variable of the environment.
 * @param fn What to run.
 * @returns What it returned.
 */
export function callersContext<T>(
  env: (name: string) => string | undefined,
  fn: () => T,
): T {
  const traceparent = env("TRACEPARENT");
  if (!traceparent) return fn();
  const tracestate = env("TRACESTATE");
  const carrier = { traceparent, ...tracestate ? { tracestate } : {} };
  return context.with(propagation.extract(ROOT_CONTEXT, carrier), fn);
}
