/**
 * Spans and durations of incoming requests, by OpenTelemetry's conventions for HTTP. A request
 * that carries a W3C trace context continues that trace, and what it starts becomes part of it.
 *
 * @module
 */
import {
  type Context as TracingContext,
  context as contexts,
  metrics,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Context, MiddlewareHandler } from "hono";
import { isMeasuredByDeno, isTracedByDeno } from "./deno_telemetry.ts";
import { methodOf, routeOf } from "./route_of.ts";

const SCOPE = "@opossum/deno/api";

/** Bounds of the buckets that the conventions advise, in seconds. */
export const REQUEST_DURATION_BUCKETS: readonly number[] = [
  0.005,
  0.01,
  0.025,
  0.05,
  0.075,
  0.1,
  0.25,
  0.5,
  0.75,
  1,
  2.5,
  5,
  7.5,
  10,
];

/**
 * Opens a span for each request, named after its route (`GET /admin/operations/{operationId}`),
 * and records its duration. Query strings, headers and bodies are never looked at; `url.path` is
 * the route, as the path itself may hold the key of a document. Where Deno's own telemetry has
 * opened a span and measures, its span gets name and route, and nothing is opened or measured.
 *
 * @returns The middleware; register it first. Costs next to nothing without a telemetry SDK.
 */
export function traceRequests(): MiddlewareHandler {
  const tracer = trace.getTracer(SCOPE);
  const duration = attempt(() =>
    metrics.getMeter(SCOPE).createHistogram(
      "http.server.request.duration",
      {
        description: "Duration of HTTP server requests",
        unit: "s",
        advice: { explicitBucketBoundaries: [...REQUEST_DURATION_BUCKETS] },
      },
    )
  );
  return async (context, next) => {
    const startMs = performance.now();
    const method = methodOf(context);
    const scheme = new URL(context.req.url).protocol.slice(0, -1);
    const served = servedSpan(context);
    try {
      if (served) await next();
      else await inSpan(context, { method, scheme }, next);
    } finally {
      const route = routeOf(context);
      const { status } = context.res;
      if (served) attempt(() => describe(served, { method, route }));
      // Deno's measurement has the same name.
      if (!isMeasuredByDeno()) {
        const attributes = {
          "http.request.method": method,
          "url.scheme": scheme,
          "http.response.status_code": status,
          ...(route === undefined ? {} : { "http.route": route }),
          ...(status < 500 ? {} : { "error.type": String(status) }),
        };
        const seconds = (performance.now() - startMs) / 1_000;
        attempt(() => duration?.record(seconds, attributes));
      }
    }
  };

  async function inSpan(
    context: Context,
    { method, scheme }: { readonly method: string; readonly scheme: string },
    next: () => Promise<void>,
  ): Promise<void> {
    const opened = attempt(() => {
      const parent = propagation.extract(
        contexts.active(),
        context.req.raw.headers,
        {
          get: (headers, name) => headers.get(name) ?? undefined,
          keys: (headers) => [...headers.keys()],
        },
      );
      const span = tracer.startSpan(method, {
        kind: SpanKind.SERVER,
        attributes: {
          "http.request.method": method,
          "url.scheme": scheme,
        },
      }, parent);
      return { span, within: trace.setSpan(parent, span) };
    });
    if (opened === undefined) return await next();
    const { span, within } = opened;
    try {
      await runOnce(within, next);
    } finally {
      const { status } = context.res;
      const route = routeOf(context);
      attempt(() => finish(span, { method, route, status }));
    }
  }
}

/** SDKs are other people's code: what one throws must fail no request. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** Serves within a context, exactly once even where the context manager is broken. */
async function runOnce(
  within: TracingContext,
  next: () => Promise<void>,
): Promise<void> {
  let served: Promise<void> | undefined;
  attempt(() => contexts.with(within, () => served = next()));
  await (served ?? next());
}

function finish(
  span: Span,
  { method, route, status }: {
    readonly method: string;
    readonly route: string | undefined;
    readonly status: number;
  },
): void {
  if (route !== undefined) {
    span.updateName(`${method} ${route}`);
    span.setAttributes({ "http.route": route, "url.path": route });
  }
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute("error.type", String(status));
  }
  span.end();
}

/**
 * The span that Deno's own telemetry (`OTEL_DENO=true`) opened for a request that it serves, or
 * `undefined` when there is none.
 */
function servedSpan({ env }: Context): Span | undefined {
  // Served by Deno: it says who asked. Else the active span is whoever called the application.
  const isServed = typeof env === "object" && env !== null &&
    "remoteAddr" in env;
  return isServed && isTracedByDeno() ? trace.getActiveSpan() : undefined;
}

/** What Deno cannot know. It says the path and the query by itself, and nothing takes them back. */
function describe(
  span: Span,
  { method, route }: {
    readonly method: string;
    readonly route: string | undefined;
  },
): void {
  if (route === undefined) return;
  span.updateName(`${method} ${route}`);
  // Deno's measurements take it from here.
  span.setAttribute("http.route", route);
}
