/**
 * The names of attributes and spans, in the style of OpenTelemetry's semantic conventions. Those of
 * metrics stand in `metrics.ts`.
 *
 * Only values of low cardinality: names of projections and of error classes, never keys, tags,
 * payloads or tokens. Ids and positions are on spans only: the metrics' types do not take them.
 *
 * @module
 */

/** Names of attributes. */
export const ATTRIBUTES = {
  /** Name of a projection. */
  projectionName: "opossum.projection.name",
  /** Number of projections that an operation rebuilds. Spans only. */
  projectionCount: "opossum.projection.count",
  /** Id of a rebuild operation. Spans only. */
  operationId: "opossum.operation.id",
  /** Who asked: "api", "code", "cli", "startup", "resume", "schedule" or "damage". */
  rebuildTrigger: "opossum.rebuild.trigger",
  /** Why a projection is rebuilt: "absent", "forced" and so on. Spans only. */
  rebuildReason: "opossum.rebuild.reason",
  /** How a rebuild ended: "succeeded", "failed", "cancelled" or "interrupted". */
  rebuildOutcome: "opossum.rebuild.outcome",
  /** How many projections may be rebuilt at once. Spans only. */
  rebuildConcurrency: "opossum.rebuild.concurrency",
  /** Number of the generation being built. Spans only. */
  generation: "opossum.projection.generation",
  /** Number of documents in a generation. Spans only. */
  documentCount: "opossum.projection.documents",
  /** Number of events appended, read or applied. Spans only. */
  eventCount: "opossum.event.count",
  /** Number of events looked at, wanted or not. Spans only. */
  eventsScanned: "opossum.event.scanned",
  /** Position of the first event concerned. Spans only. */
  positionFirst: "opossum.position.first",
  /** Position of the last event concerned. Spans only. */
  positionLast: "opossum.position.last",
  /** Version of a projection's definition. Spans only. */
  projectionVersion: "opossum.projection.version",
  /** Bytes of a generation's file. Spans only. */
  projectionBytes: "opossum.projection.bytes",
  /** Where events are applied: "worker" or "process". Spans only. */
  rebuildRunsIn: "opossum.rebuild.runs_in",
  /** How often what was folded was stored. Spans only. */
  flushCount: "opossum.rebuild.flushes",
  /**
   * How long that took, in seconds, added up over the projections; with the folding of what was
   * put aside, which is stored part by part. Spans only.
   */
  flushDuration: "opossum.rebuild.flush.duration",
  /** Bytes of events read, about. Spans only. */
  eventBytes: "opossum.event.bytes",
  /** Documents that were built anew one by one. Spans only. */
  documentsRebuilt: "opossum.document.rebuilt",
  /** Those of them that were not as they should be. Spans only. */
  documentsChanged: "opossum.document.changed",
  /** Number of problems that a scrub found. Spans only. */
  scrubProblems: "opossum.scrub.problems",
  /** Position of the event that something failed on. Spans only. */
  errorPosition: "opossum.error.position",
  /** That event's type. Spans only. */
  errorEventType: "opossum.error.event_type",
  /** Class of what the code of a projection threw. Spans only. */
  errorCause: "opossum.error.cause",
  /** Class of the error that something ended with; absent when it succeeded. */
  errorType: "error.type",
} as const;

/** Names of spans. */
export const SPANS = {
  /** A rebuild operation, from the request to its end. */
  rebuild: "opossum.rebuild",
  /** Finding out what to rebuild, and whether it fits. */
  rebuildPlan: "opossum.rebuild.plan",
  /** The rebuild of one projection, from its start to its end, without queueing. */
  rebuildProjection: "opossum.rebuild.projection",
  /** Phase: the pass over the log. */
  rebuildScan: "opossum.rebuild.scan",
  /** Storing what a scan has folded, in one transaction. */
  rebuildFlush: "opossum.rebuild.flush",
  /** Phase: applying what was appended during the scan. */
  rebuildCatchUp: "opossum.rebuild.catch_up",
  /** Phase: comparing the new generation with the serving one. */
  rebuildVerify: "opossum.rebuild.verify",
  /** Phase: making the new generation the serving one. */
  rebuildSwap: "opossum.rebuild.swap",
  /** One append, from the call to its durability. */
  append: "opossum.append",
  /** One read, from the first event asked for to the last one handed out. */
  read: "opossum.read",
  /** One transaction of live updates of one projection. */
  liveBatch: "opossum.live.batch",
  /** Rebuilding single documents. */
  rebuildKeys: "opossum.rebuild.keys",
  /** Rebuilding the documents of a projection that are missing or damaged. */
  repair: "opossum.repair",
  /** Looking for damage in all that is stored. */
  scrub: "opossum.scrub",
} as const;

/** The name of a span. */
export type SpanName = typeof SPANS[keyof typeof SPANS];

/** Names of what is noted in spans. How often each may be is bounded where it is noted. */
export const SPAN_EVENTS = {
  /** In a plan: a projection is to be rebuilt. */
  planned: "planned",
  /** In a scan: it has come another step further. */
  batch: "batch",
  /** In a projection: it waits for an operator. */
  paused: "paused",
  /** In a projection: it goes on. */
  resumed: "resumed",
  /** In a projection: nothing has moved for long, and nobody ordered that. */
  stalled: "stalled",
  /** In a projection: its build is complete and waits to be promoted. */
  awaitingPromotion: "awaiting promotion",
} as const;

/** The name of what is noted in a span. */
export type SpanEventName = typeof SPAN_EVENTS[keyof typeof SPAN_EVENTS];
