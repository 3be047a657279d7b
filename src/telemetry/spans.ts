/**
 * Spans: opened and ended safely, with errors told by class, and unable to fail the caller.
 *
 * @module
 */
import {
  type Attributes,
  type AttributeValue,
  type Context,
  context as contextApi,
  isSpanContextValid,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { errorType, errorTypeNamed, stackFrames } from "./error_type.ts";
import { harmless } from "./harmless.ts";
import { PACKAGE_NAME, VERSION } from "./manifest.ts";
import { ATTRIBUTES, type SpanEventName, type SpanName } from "./names.ts";

/** What spans hang on to: the caller's span and baggage. Opaque; hand it on. */
export type TelemetryContext = Context;

/** The attributes that a span may bear; any other is an error of type. */
export type SpanAttributes = {
  readonly [Name in typeof ATTRIBUTES[keyof typeof ATTRIBUTES]]?:
    AttributeValue;
};

/** How to open a span. */
export interface SpanOptions {
  /** What it is about. */
  readonly attributes?: SpanAttributes;
  /**
   * The context that it belongs under; `"none"` begins a new trace. @default {the active context}
   */
  readonly parent?: TelemetryContext | "none";
  /** Contexts of spans that are related but do not contain it, such as the request that asked. */
  readonly links?: readonly TelemetryContext[];
  /** When it began, in milliseconds since 1970, if that is past. @default {now} */
  readonly startMs?: number;
}

/** A span that has been opened. Disposing it ends it. No method throws. */
export interface OpenSpan extends Disposable {
  /** The context in which this span is the parent. */
  readonly context: TelemetryContext;
  /** Whether anybody is told of it: if not, what only it wants to know need not be found out. */
  readonly isRecording: boolean;
  /** Adds attributes. Without effect after the end. */
  setAttributes(attributes: SpanAttributes): void;
  /** Notes what happens now. Bound how often: each is kept until the end. */
  addEvent(name: SpanEventName, attributes?: SpanAttributes): void;
  /** Relates it to the span of a context, if that has another one. */
  link(context: TelemetryContext): void;
  /** Marks the span as failed, with the error's class; it still must be ended. */
  fail(error: unknown): void;
  /** The same where only the class is known any more. */
  failAs(name: string): void;
  /**
   * Ends it. Does nothing the second time.
   *
   * @param endMs When, in milliseconds since 1970. @default {now}
   */
  end(endMs?: number): void;
}

/** What the API's own provider passes on to in a process without an SDK. */
const SILENT_PROVIDER = new ProxyTracerProvider().getDelegate();

/** Asks for the tracer anew when another provider was registered. */
export class TracerSource {
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;

  /** Whether somebody takes spans now. */
  get isHeard(): boolean {
    const provider = trace.getTracerProvider();
    return !(provider instanceof ProxyTracerProvider) ||
      provider.getDelegate() !== SILENT_PROVIDER;
  }

  /** The tracer of the provider that is registered now. */
  tracer(): Tracer {
    const provider = trace.getTracerProvider();
    if (this.#tracer === undefined || provider !== this.#provider) {
      this.#provider = provider;
      this.#tracer = provider.getTracer(PACKAGE_NAME, VERSION);
    }
    return this.#tracer;
  }
}

/**
 * Opens a span that outlives the calling function.
 *
 * @param source Where the tracer comes from.
 * @param name The span's name.
 * @param options Attributes, parent and links.
 * @returns The span, to be ended by the caller.
 */
export function startSpan(
  source: TracerSource,
  name: SpanName,
  options: SpanOptions,
): OpenSpan {
  try {
    const { attributes, parent, links, startMs } = options;
    const parentContext = parent === "none"
      ? ROOT_CONTEXT
      : parent ?? contextApi.active();
    const span = source.tracer().startSpan(
      name,
      {
        ...(attributes === undefined
          ? {}
          : { attributes: attributes as Attributes }),
        ...(links === undefined ? {} : { links: toLinks(links) }),
        ...(startMs === undefined ? {} : { startTime: startMs }),
      },
      parentContext,
    );
    // Nothing records and no caller's trace has to be carried on: spare the rest.
    if (!isSpanContextValid(span.spanContext())) {
      return parent === undefined ? IDLE_SPAN : new IdleSpan(parentContext);
    }
    return new RecordedSpan(span, trace.setSpan(parentContext, span));
  } catch {
    return IDLE_SPAN;
  }
}

/**
 * Runs a function within a span: the span is active meanwhile, fails when the function does, and
 * ends with it.
 *
 * @param source Where the tracer comes from.
 * @param name The span's name.
 * @param options Attributes, parent and links.
 * @param fn What to run; may be asynchronous.
 * @returns What `fn` returned.
 */
export function runInSpan<T>(
  source: TracerSource,
  name: SpanName,
  options: SpanOptions,
  fn: (span: OpenSpan) => T,
): T {
  const span = startSpan(source, name, options);
  if (span === IDLE_SPAN) return fn(span);
  let result: T;
  try {
    result = runInContext(span.context, () => fn(span));
  } catch (error) {
    span.fail(error);
    span.end();
    throw error;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  return result.then((value) => {
    span.end();
    return value;
  }, (error: unknown) => {
    span.fail(error);
    span.end();
    throw error;
  }) as T;
}

/**
 * Runs a function with `context` active.
 *
 * @param context The context.
 * @param fn What to run, exactly once, even where the context manager is broken.
 * @returns What `fn` returned.
 */
export function runInContext<T>(context: TelemetryContext, fn: () => T): T {
  let outcome: { value: T } | { error: unknown } | undefined;
  const run = () => {
    try {
      outcome = { value: fn() };
    } catch (error) {
      outcome = { error };
    }
  };
  harmless(() => contextApi.with(context, run));
  if (outcome === undefined) return fn();
  // The assignment happens in a callback, which narrowing does not see.
  const settled = outcome as { value: T } | { error: unknown };
  if ("error" in settled) throw settled.error;
  return settled.value;
}

/**
 * Runs a function that belongs to nobody who happens to call: what goes on in the background.
 *
 * @param fn What to run, exactly once.
 * @returns What `fn` returned.
 */
export function runDetached<T>(fn: () => T): T {
  return runInContext(ROOT_CONTEXT, fn);
}

/**
 * A context that holds a span and nothing else.
 *
 * @param span Where the span stands.
 * @returns The context.
 */
export function contextOf(span: SpanContext): TelemetryContext {
  return trace.setSpanContext(ROOT_CONTEXT, span);
}

/**
 * The context that is active for the caller.
 *
 * @returns The context, to hand on as `parent` or in `links`.
 */
export function activeContext(): TelemetryContext {
  try {
    return contextApi.active();
  } catch {
    return ROOT_CONTEXT;
  }
}

class RecordedSpan implements OpenSpan {
  readonly context: TelemetryContext;
  readonly #span: Span;
  #isEnded = false;

  constructor(span: Span, context: TelemetryContext) {
    this.#span = span;
    this.context = context;
  }

  get isRecording(): boolean {
    let isRecording = false;
    harmless(() => isRecording = this.#span.isRecording());
    return isRecording && !this.#isEnded;
  }

  setAttributes(attributes: SpanAttributes): void {
    if (this.#isEnded) return;
    harmless(() => this.#span.setAttributes(attributes as Attributes));
  }

  addEvent(name: SpanEventName, attributes: SpanAttributes = {}): void {
    if (this.#isEnded) return;
    harmless(() => this.#span.addEvent(name, attributes as Attributes));
  }

  link(context: TelemetryContext): void {
    if (this.#isEnded) return;
    harmless(() => {
      const own = this.#span.spanContext().spanId;
      const [link] = toLinks([context]);
      if (link && link.context.spanId !== own) this.#span.addLink(link);
    });
  }

  failAs(name: string): void {
    if (this.#isEnded) return;
    harmless(() => {
      const type = errorTypeNamed(name);
      this.#span.setAttribute(ATTRIBUTES.errorType, type);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: type });
    });
  }

  fail(error: unknown): void {
    if (this.#isEnded) return;
    harmless(() => {
      const type = errorType(error);
      const frames = stackFrames(error);
      // Not recordException(): it takes the message along, which may quote payloads.
      this.#span.addEvent("exception", {
        "exception.type": type,
        ...(frames === undefined ? {} : { "exception.stacktrace": frames }),
      });
      this.failAs(type);
    });
  }

  end(endMs?: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    harmless(() => this.#span.end(endMs));
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Stands in where nothing records. */
class IdleSpan implements OpenSpan {
  readonly #context: TelemetryContext | undefined;

  constructor(context?: TelemetryContext) {
    this.#context = context;
  }

  get context(): TelemetryContext {
    return this.#context ?? activeContext();
  }

  get isRecording(): boolean {
    return false;
  }

  setAttributes(): void {}
  addEvent(): void {}
  link(): void {}
  fail(): void {}
  failAs(): void {}
  end(): void {}
  [Symbol.dispose](): void {}
}

const IDLE_SPAN: OpenSpan = new IdleSpan();

function toLinks(contexts: readonly TelemetryContext[]): Link[] {
  return contexts.flatMap((linked) => {
    const context = trace.getSpanContext(linked);
    return context !== undefined && isSpanContextValid(context)
      ? [{ context }]
      : [];
  });
}
