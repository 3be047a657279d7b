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
  /** Class of the error that something ended with; absent when it succeeded. */
  errorType: "error.type",
} as const;

/** Names of spans. */
export const SPANS = {
  /** A rebuild operation, from the request to its end. */
  rebuild: "opossum.rebuild",
  /** The rebuild of one projection, from its start to its end, without queueing. */
  rebuildProjection: "opossum.rebuild.projection",
  /** Phase: the pass over the log. */
  rebuildScan: "opossum.rebuild.scan",
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
} as const;

/** The name of a span. */
export type SpanName = typeof SPANS[keyof typeof SPANS];
