/**
 * Every field that log records of this library bear, so that one name means one thing wherever it
 * stands, and what of it may leave the machine. `docs/TELEMETRY.md` has this as a table.
 *
 * @module
 */
import { ATTRIBUTES } from "./names.ts";

/** What is fixed about a field. */
export interface LogFieldDefinition {
  /** What it says. */
  readonly meaning: string;
  /**
   * The attribute of an OpenTelemetry log record that it becomes. @default {it stays on this
   * machine, as it may quote what users stored, or name people, files or addresses}
   */
  readonly attribute?: string;
}

/** The fields. */
export const LOG_FIELDS = {
  traceId: { meaning: "The trace that was under way; OpenTelemetry's own" },
  spanId: { meaning: "The span that was under way; OpenTelemetry's own" },
  operationId: {
    meaning: "The rebuild operation that it is about",
    attribute: ATTRIBUTES.operationId,
  },
  projection: {
    meaning: "The projection that it is about",
    attribute: ATTRIBUTES.projectionName,
  },
  projections: {
    meaning: "The projections that it is about",
    attribute: "opossum.projection.names",
  },
  trigger: {
    meaning: "Who asked for the rebuild",
    attribute: ATTRIBUTES.rebuildTrigger,
  },
  reason: {
    meaning: "Why, in a word: of a rebuild, or of an event passed over",
    attribute: ATTRIBUTES.rebuildReason,
  },
  state: { meaning: "How it stands or ended", attribute: "opossum.state" },
  error: {
    meaning: "The error; of it, its class and where it was thrown leave",
    attribute: ATTRIBUTES.errorType,
  },
  stack: { meaning: "Where the error was thrown, and its message" },
  damage: { meaning: "What is wrong with a file" },
  durationMs: {
    meaning: "How long it took, in milliseconds",
    attribute: "opossum.duration_ms",
  },
  events: {
    meaning: "Number of events applied or read",
    attribute: ATTRIBUTES.eventCount,
  },
  documents: {
    meaning: "Number of documents",
    attribute: ATTRIBUTES.documentCount,
  },
  documentsChanged: {
    meaning: "Number of documents that were not as they had to be",
    attribute: "opossum.projection.documents_changed",
  },
  position: {
    meaning: "Position of the event concerned",
    attribute: "opossum.position",
  },
  positionFirst: {
    meaning: "Position of the first event concerned",
    attribute: ATTRIBUTES.positionFirst,
  },
  positionLast: {
    meaning: "Position of the last event concerned",
    attribute: ATTRIBUTES.positionLast,
  },
  checkpoint: {
    meaning: "Position up to which a projection has applied the log",
    attribute: "opossum.projection.position",
  },
  head: {
    meaning: "Position of the last event of the log",
    attribute: "opossum.log.position",
  },
  eventType: {
    meaning: "Type of the event concerned",
    attribute: "opossum.event.type",
  },
  attempts: {
    meaning: "How often it was tried",
    attribute: "opossum.attempts",
  },
  retryAt: {
    meaning: "When it is tried again, ISO 8601; null: never by itself",
    attribute: "opossum.retry_at",
  },
  generation: {
    meaning: "Number of a projection's generation",
    attribute: ATTRIBUTES.generation,
  },
  generationBefore: {
    meaning: "Number of the generation that served before",
    attribute: "opossum.projection.generation_before",
  },
  isHeldBack: {
    meaning: "Whether the generation that served before is kept from serving",
    attribute: "opossum.projection.held_back",
  },
  cron: {
    meaning: "The cron expression of a window or a scrub",
    attribute: "opossum.cron",
  },
  file: { meaning: "A file, by its name or its path in the data folder" },
  path: { meaning: "The data folder" },
  fileSystem: { meaning: "Kind of the file system that it is on" },
  offset: { meaning: "Where in the file, in bytes from its beginning" },
  line: { meaning: "Which line of the file, from 1" },
  bytes: { meaning: "How many bytes" },
  keptAt: { meaning: "Where a copy of what was cut off is kept" },
  limit: { meaning: "How many files the process may open" },
  requestId: {
    meaning: "The request, as its `X-Request-Id` says",
    attribute: "opossum.request.id",
  },
  method: {
    meaning: "HTTP method of the request, one of the usual ones or _OTHER",
    attribute: "http.request.method",
  },
  route: {
    meaning: "Route of the request: its path with names in place of values",
    attribute: "http.route",
  },
  status: {
    meaning: "HTTP status of the answer",
    attribute: "http.response.status_code",
  },
  problem: {
    meaning: "Kind of the problem that was answered",
    attribute: "opossum.problem",
  },
  principal: { meaning: "Id of the token that was used" },
  principals: { meaning: "Ids of the tokens there are" },
  scope: { meaning: "What the token would have to be allowed to do" },
  client: { meaning: "Address of the client" },
  action: { meaning: "What was asked for" },
  target: { meaning: "What it was asked for of" },
  result: { meaning: "What came of it" },
  host: { meaning: "Address that the server listens on" },
  url: { meaning: "Where the server answers" },
} as const satisfies Readonly<Record<string, LogFieldDefinition>>;

/** Name of a field. */
export type LogField = keyof typeof LOG_FIELDS;
