/**
 * Every name that telemetry uses: attributes, spans and metrics, in the style of OpenTelemetry's
 * semantic conventions. Units are UCUM: seconds are `s`, things counted stand in braces.
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
  /** How long that took in all, in seconds. Spans only. */
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

/** How an instrument measures. */
export type MetricKind =
  | "counter"
  | "histogram"
  | "observableGauge"
  | "observableUpDownCounter";

/** What is fixed about a metric. */
export interface MetricDefinition {
  /** How it measures. */
  readonly kind: MetricKind;
  /** Its name. */
  readonly name: string;
  /** Its unit, UCUM. */
  readonly unit: string;
  /** What it says, as a sentence. */
  readonly description: string;
  /** Names of the attributes that it may bear. */
  readonly attributes: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/** The metrics. */
export const METRICS = {
  rebuildDuration: {
    kind: "histogram",
    name: "opossum.rebuild.duration",
    unit: "s",
    description: "Duration of a projection's rebuild, without queueing",
    attributes: [
      ATTRIBUTES.projectionName,
      ATTRIBUTES.rebuildTrigger,
      ATTRIBUTES.rebuildOutcome,
      ATTRIBUTES.errorType,
    ],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600],
  },
  rebuildEvents: {
    kind: "counter",
    name: "opossum.rebuild.events",
    unit: "{event}",
    description: "Events applied by rebuilds",
    attributes: [ATTRIBUTES.projectionName],
  },
  rebuildRate: {
    kind: "histogram",
    name: "opossum.rebuild.rate",
    unit: "{event}/s",
    description:
      "Events looked at a second, over the whole of a projection's rebuild",
    attributes: [ATTRIBUTES.projectionName],
    buckets: [
      1_000,
      5_000,
      10_000,
      50_000,
      100_000,
      250_000,
      500_000,
      1_000_000,
      2_500_000,
      5_000_000,
    ],
  },
  rebuildFailures: {
    kind: "counter",
    name: "opossum.rebuild.failures",
    unit: "{failure}",
    description: "Rebuilds of a projection that failed",
    attributes: [ATTRIBUTES.projectionName, ATTRIBUTES.errorType],
  },
  rebuildActive: {
    kind: "observableUpDownCounter",
    name: "opossum.rebuild.active",
    unit: "{projection}",
    description: "Projections being rebuilt",
    attributes: [],
  },
  rebuildQueued: {
    kind: "observableUpDownCounter",
    name: "opossum.rebuild.queued",
    unit: "{projection}",
    description: "Projections waiting for their rebuild to start",
    attributes: [],
  },
  appendDuration: {
    kind: "histogram",
    name: "opossum.append.duration",
    unit: "s",
    description: "Duration of an append, until it was durable or had failed",
    attributes: [ATTRIBUTES.errorType],
    buckets: [
      0.000_1,
      0.000_25,
      0.000_5,
      0.001,
      0.002_5,
      0.005,
      0.01,
      0.025,
      0.05,
      0.1,
      0.25,
      0.5,
      1,
      5,
    ],
  },
  appendEvents: {
    kind: "counter",
    name: "opossum.append.events",
    unit: "{event}",
    description: "Events appended",
    attributes: [],
  },
  appendConflicts: {
    kind: "counter",
    name: "opossum.append.conflicts",
    unit: "{conflict}",
    description: "Appends refused since their condition no longer held",
    attributes: [],
  },
  liveBatchDuration: {
    kind: "histogram",
    name: "opossum.live.batch.duration",
    unit: "s",
    description: "Duration of one transaction of live updates",
    attributes: [ATTRIBUTES.projectionName, ATTRIBUTES.errorType],
    buckets: [0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  },
  liveEvents: {
    kind: "counter",
    name: "opossum.live.events",
    unit: "{event}",
    description: "Events applied by live updates",
    attributes: [ATTRIBUTES.projectionName],
  },
  projectionFaults: {
    kind: "counter",
    name: "opossum.projection.faults",
    unit: "{fault}",
    description: "Live updates of a projection that failed",
    attributes: [ATTRIBUTES.projectionName, ATTRIBUTES.errorType],
  },
  projectionPosition: {
    kind: "observableGauge",
    name: "opossum.projection.position",
    unit: "{event}",
    description: "Position up to which a projection has applied the log",
    attributes: [ATTRIBUTES.projectionName],
  },
  projectionLag: {
    kind: "observableGauge",
    name: "opossum.projection.lag",
    unit: "{event}",
    description: "Events in the log that a projection has not applied yet",
    attributes: [ATTRIBUTES.projectionName],
  },
  projectionFaulted: {
    kind: "observableGauge",
    name: "opossum.projection.faulted",
    unit: "1",
    description: "1 while a projection stands still on an event, else 0",
    attributes: [ATTRIBUTES.projectionName],
  },
  projectionDeadLetters: {
    kind: "observableGauge",
    name: "opossum.projection.dead_letters",
    unit: "{event}",
    description:
      "Events that the generation that serves passed over, once for each document",
    attributes: [ATTRIBUTES.projectionName],
  },
} as const satisfies Record<string, MetricDefinition>;
