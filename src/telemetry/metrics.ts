/**
 * Every metric: name, unit, kind, attributes and meaning, in the style of OpenTelemetry's semantic
 * conventions. Units are UCUM: seconds are `s`, bytes `By`, things counted stand in braces.
 * `deno task docs:metrics` makes `docs/METRICS.md` of it.
 *
 * Several stores in one process report one set of metrics, added up: what they count as a matter of
 * course, and what is looked at as well, so that the number of series does not depend on the number
 * of stores.
 *
 * @module
 */
import { ATTRIBUTES } from "./names.ts";

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
  /** What several stores of a process report together, if it is observed. @default {"sum"} */
  readonly together?: "sum" | "least";
}

/** For what waits for the disk, in seconds. */
const DISK_BUCKETS = [
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
];

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
    description: "Events applied by rebuilds, also by those under way",
    attributes: [ATTRIBUTES.projectionName],
  },
  rebuildBytes: {
    kind: "counter",
    name: "opossum.rebuild.bytes",
    unit: "By",
    description: "Bytes of the generations that rebuilds swapped in",
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
  rebuildRemaining: {
    kind: "observableGauge",
    name: "opossum.rebuild.remaining",
    unit: "{event}",
    description:
      "Events that a rebuild under way, or waiting, has still to work off, else 0",
    attributes: [ATTRIBUTES.projectionName],
  },
  rebuildStalled: {
    kind: "observableGauge",
    name: "opossum.rebuild.stalled",
    unit: "1",
    description:
      "1 while a rebuild has not moved for 10 s though nobody holds it up, else 0",
    attributes: [ATTRIBUTES.projectionName],
  },
  rebuildWorkers: {
    kind: "observableUpDownCounter",
    name: "opossum.rebuild.workers",
    unit: "{worker}",
    description: "Workers that scan the log for rebuilds",
    attributes: [],
  },
  appendDuration: {
    kind: "histogram",
    name: "opossum.append.duration",
    unit: "s",
    description: "Duration of an append, until it was durable or had failed",
    attributes: [ATTRIBUTES.errorType],
    buckets: DISK_BUCKETS,
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
  appendBatchSize: {
    kind: "histogram",
    name: "opossum.append.batch.size",
    unit: "{event}",
    description: "Events of all appends that were made durable by one sync",
    attributes: [],
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000],
  },
  logSyncDuration: {
    kind: "histogram",
    name: "opossum.log.sync.duration",
    unit: "s",
    description:
      "Duration of a sync of the log, until this process knew of its end",
    attributes: [ATTRIBUTES.errorType],
    buckets: DISK_BUCKETS,
  },
  logSize: {
    kind: "observableGauge",
    name: "opossum.log.size",
    unit: "By",
    description: "Size of all segments of the log",
    attributes: [],
  },
  logSegments: {
    kind: "observableGauge",
    name: "opossum.log.segments",
    unit: "{segment}",
    description: "Segments of the log",
    attributes: [],
  },
  logPosition: {
    kind: "observableGauge",
    name: "opossum.log.position",
    unit: "{event}",
    description: "Position of the last event in the log",
    attributes: [],
  },
  diskFree: {
    kind: "observableGauge",
    name: "opossum.disk.free",
    unit: "By",
    description:
      "Bytes that can still be written to the disk of the data folder",
    attributes: [],
    together: "least",
  },
  scrubProblems: {
    kind: "observableGauge",
    name: "opossum.scrub.problems",
    unit: "{problem}",
    description: "Problems that the last scrub found",
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
  projectionStale: {
    kind: "observableGauge",
    name: "opossum.projection.stale",
    unit: "1",
    description:
      "1 while what serves was made by another definition, or of another log, and waits for a rebuild, else 0; also 0 where nothing serves",
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
  projectionDocuments: {
    kind: "observableGauge",
    name: "opossum.projection.documents",
    unit: "{document}",
    description: "Documents in the generation that serves",
    attributes: [ATTRIBUTES.projectionName],
  },
  projectionBytes: {
    kind: "observableGauge",
    name: "opossum.projection.bytes",
    unit: "By",
    description: "Size of the generation that serves",
    attributes: [ATTRIBUTES.projectionName],
  },
  eventLoopDelay: {
    kind: "histogram",
    name: "opossum.event_loop.delay",
    unit: "s",
    description:
      "How late the event loop of the serving thread gets to what is due, looked at ten times a second",
    attributes: [],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
} as const satisfies Record<string, MetricDefinition>;
