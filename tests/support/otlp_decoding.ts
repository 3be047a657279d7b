/**
 * What OTLP exporters send, decoded: protobuf and JSON come to the same.
 *
 * @module
 */
import protobuf from "protobufjs";
import { OTLP_SCHEMA } from "./otlp_schema.ts";

/** Attributes, with their values as JavaScript has them. */
export type OtlpAttributes = Readonly<Record<string, unknown>>;

/** Where something comes from. */
export interface OtlpOrigin {
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** Attributes of the resource. */
  readonly resource: OtlpAttributes;
}

/** An event of a span. */
export interface OtlpSpanEvent {
  readonly name: string;
  readonly attributes: OtlpAttributes;
}

/** A link of a span. */
export interface OtlpLink {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span. Ids are hexadecimal, times milliseconds since 1970. */
export interface OtlpSpan extends OtlpOrigin {
  readonly name: string;
  /** As OTLP numbers them: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** `""` for a root. */
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: OtlpAttributes;
  readonly events: readonly OtlpSpanEvent[];
  readonly links: readonly OtlpLink[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  /** Of the status. */
  readonly message: string;
  /** Attributes, events and links that the SDK left out as there were too many. */
  readonly dropped: number;
}

/** One series of a metric at one time. */
export interface OtlpPoint {
  readonly attributes: OtlpAttributes;
  /** Of a gauge or a sum; the sum of a histogram. */
  readonly value: number;
  /** Measurements of a histogram; `undefined` for other kinds. */
  readonly count: number | undefined;
}

/** A metric at one time. */
export interface OtlpMetric extends OtlpOrigin {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: "gauge" | "sum" | "histogram" | "other";
  /** Whether a sum only grows. */
  readonly isMonotonic: boolean;
  readonly points: readonly OtlpPoint[];
}

/** A log record. */
export interface OtlpLog extends OtlpOrigin {
  readonly body: unknown;
  /** As OTLP numbers them: 5 debug, 9 info, 13 warn, 17 error. */
  readonly severity: number;
  readonly severityText: string;
  readonly attributes: OtlpAttributes;
  /** `""` outside of any span. */
  readonly traceId: string;
  readonly spanId: string;
}

/** What is sent, by the last part of the path. */
export type OtlpSignal = "traces" | "metrics" | "logs";

const { root } = protobuf.parse(OTLP_SCHEMA);

const MESSAGES = {
  traces: "TracesData",
  metrics: "MetricsData",
  logs: "LogsData",
} as const;

/** A message as both encodings have it, more or less. */
// deno-lint-ignore no-explicit-any -- its fields are given their types where they are read
type Message = any;

/**
 * Reads what was sent.
 *
 * @param signal What it is.
 * @param contentType How it is encoded.
 * @param body What was sent.
 * @returns The message.
 */
export function readMessage(
  signal: OtlpSignal,
  contentType: string,
  body: Uint8Array,
): unknown {
  if (contentType.startsWith("application/json")) {
    return JSON.parse(new TextDecoder().decode(body));
  }
  const type = root.lookupType(MESSAGES[signal]);
  return type.toObject(type.decode(body), { longs: String });
}

/** The spans of a message. */
export function spansOf(message: Message): OtlpSpan[] {
  return list(message.resourceSpans).flatMap(({ resource, scopeSpans }) =>
    list(scopeSpans).flatMap(({ scope, spans }) =>
      list(spans).map((span) => ({
        ...originOf(resource, scope),
        name: span.name ?? "",
        kind: span.kind ?? 0,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: attributesOf(span.attributes),
        events: list(span.events).map(({ name, attributes }) => ({
          name: name ?? "",
          attributes: attributesOf(attributes),
        })),
        links: list(span.links).map(({ traceId, spanId }) => ({
          traceId: hex(traceId),
          spanId: hex(spanId),
        })),
        status: span.status?.code ?? 0,
        message: span.status?.message ?? "",
        dropped: (span.droppedAttributesCount ?? 0) +
          (span.droppedEventsCount ?? 0) + (span.droppedLinksCount ?? 0),
      }))
    )
  );
}

/** The metrics of a message. */
export function metricsOf(message: Message): OtlpMetric[] {
  return list(message.resourceMetrics).flatMap(({ resource, scopeMetrics }) =>
    list(scopeMetrics).flatMap(({ scope, metrics }) =>
      list(metrics).map((metric) => {
        const { name, unit = "", description = "", ...data } = metric;
        const kind = (["gauge", "sum", "histogram"] as const)
          .find((each) => data[each] !== undefined) ?? "other";
        return {
          ...originOf(resource, scope),
          name,
          unit,
          description,
          kind,
          isMonotonic: data.sum?.isMonotonic ?? false,
          points: list(data[kind]?.dataPoints).map((point) => ({
            attributes: attributesOf(point.attributes),
            value: Number(point.asInt ?? point.asDouble ?? point.sum ?? 0),
            count: kind === "histogram" ? Number(point.count ?? 0) : undefined,
          })),
        };
      })
    )
  );
}

/** The log records of a message. */
export function logsOf(message: Message): OtlpLog[] {
  return list(message.resourceLogs).flatMap(({ resource, scopeLogs }) =>
    list(scopeLogs).flatMap(({ scope, logRecords }) =>
      list(logRecords).map((record) => ({
        ...originOf(resource, scope),
        body: valueOf(record.body),
        severity: record.severityNumber ?? 0,
        severityText: record.severityText ?? "",
        attributes: attributesOf(record.attributes),
        traceId: hex(record.traceId),
        spanId: hex(record.spanId),
      }))
    )
  );
}

function originOf(resource: Message, scope: Message): OtlpOrigin {
  return {
    scope: scope?.name ?? "",
    resource: attributesOf(resource?.attributes),
  };
}

/** What is not there is empty: neither encoding sends empty lists. */
function list(values: Message): Message[] {
  return values ?? [];
}

function attributesOf(attributes: Message): OtlpAttributes {
  return Object.fromEntries(
    list(attributes).map(({ key, value }) => [key, valueOf(value)]),
  );
}

function valueOf(value: Message): unknown {
  if (value === undefined || value === null) return undefined;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) {
    return list(value.arrayValue.values).map(valueOf);
  }
  if (value.kvlistValue !== undefined) {
    return attributesOf(value.kvlistValue.values);
  }
  return value.stringValue ?? value.boolValue ?? value.doubleValue ??
    value.bytesValue;
}

/** JSON has ids in hexadecimal, protobuf as bytes. */
function hex(id: string | Uint8Array | undefined): string {
  return typeof id === "string" ? id : new Uint8Array(id ?? []).toHex();
}
